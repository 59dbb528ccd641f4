"""Records that mean harm, or hold more than can be kept: reported, and no other record suffers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatkeep.formats.protocol import OwnConversation, SourceConversation
from chatkeep.model import Conversation, Message, SourceKey, Text, Usage
from chatkeep.services.checking import check
from chatkeep.services.counting import stats
from chatkeep.services.purging import purge
from chatkeep.store import Store
from tests.contract.acme import START, TEA, only, run, said, talk

OTHER = talk([said("q", None, "x")], source_id="other")


@pytest.mark.parametrize(
    "numbers",
    [
        {"usage": Usage(input=2**63 - 1)},
        {"usage": Usage(input=2**70, output=3)},
        {"cost_nanos": 2**63 - 1},
        {"rating": 2**70},
    ],
)
def test_numbers_too_large_to_be_summed_are_kept_but_not_counted(
    store: Store, tmp_path: Path, numbers: dict[str, Any]
) -> None:
    """Two of them together would overflow the totals, for ever."""
    record = talk([said(str(n), str(n - 1) if n else None, "x", **numbers) for n in range(3)])
    report = run(store, tmp_path, record, OTHER)
    again = run(store, tmp_path, record, OTHER)

    assert (report.conversations.added, len(report.skipped)) == (2, 3)
    assert again.conversations.unchanged == 2
    message = store.messages.list(store.conversations.resolve("c1")).items[0]
    assert list(message.extra["chatkeep"]["not_counted"]) == list(numbers)
    assert stats(store).usage.total == 0
    assert check(store).is_clean


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        (("x" * 201,), {"x" * 200}),
        (("", " ", "tea "), {"tea"}),
        (tuple(f"{number:05}" for number in range(5_000)), {f"{number:05}" for number in range(1_000)}),
    ],
)
def test_tags_that_are_none_are_cut_or_left_out(
    store: Store, tmp_path: Path, tags: tuple[str, ...], kept: set[str]
) -> None:
    for _ in range(2):
        report = run(store, tmp_path, talk(TEA.messages, tags=tags), OTHER)
    grown = run(store, tmp_path, talk([*TEA.messages, said("c", "b", "more")], tags=(*tags, "zoo")))

    assert report.conversations.unchanged == 2
    assert grown.conversations.updated == 1
    found = set(store.conversations.get(store.conversations.resolve("c1")).tags)
    assert found == (kept if len(kept) == 1_000 else kept | {"zoo"})


def _own(**fields: Any) -> OwnConversation:
    header = Conversation(id="own", created_at=START, updated_at=START, **fields)
    message = Message(id="m", conversation_id="own", role="user", created_at=START)
    return OwnConversation(conversation=header, messages=(message,))


@pytest.mark.parametrize(
    "extra", [{"chatkeep": 5}, {"acme": 5}, {"acme": {"sessionIds": 5}}, {"acme": {"sessionIds": [[], "s"]}}]
)
def test_notes_of_any_shape_are_no_trouble(store: Store, tmp_path: Path, extra: dict[str, Any]) -> None:
    own = _own(extra=extra, session_id="s", source=SourceKey("acme", "", "own"))
    stand_in = talk([said("p", None, "x")], source_id="history", session_id="s", stand_in=True)
    records: list[SourceConversation | OwnConversation] = [stand_in, own, stand_in, own, OTHER]

    report = run(store, tmp_path, *records)

    assert report.is_clean
    assert len(store.conversations.list().items) == 2


def test_what_could_not_be_brought_back_stays_purged(store: Store, tmp_path: Path) -> None:
    """The tombstone goes in the same step as the conversation comes."""
    run(store, tmp_path, TEA, OTHER)
    purge(store, [store.conversations.resolve("c1")])
    spoilt = talk([said("a", None, "x", extra={"not": object()})])

    report = run(store, tmp_path, spoilt, include_purged=True)

    assert report.conversations.skipped == 1
    assert run(store, tmp_path, TEA).purged == 1


def test_a_newer_export_is_taken_although_a_branch_was_begun_here(store: Store, tmp_path: Path) -> None:
    """The time of what was written here says nothing of the source."""
    run(store, tmp_path, talk(TEA.messages, updated_at=START))
    chat = only(store)
    first, second = store.messages.list(chat).items
    store.messages.append(chat, "user", "mine", parent_id=first.id)
    store.conversations.switch(chat, second.id)
    newer = talk([TEA.messages[0], said("b", "a", "80 C", role="assistant")], updated_at=START + timedelta(days=1))

    run(store, tmp_path, newer)

    assert store.messages.get(second.id).text == "80 C"


def test_what_was_set_here_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, TEA)
    chat = only(store)
    store.conversations.update(chat, settings={"mine": 1}, session_id="s", extra={"k": 1})

    run(store, tmp_path, talk(TEA.messages, settings={"theirs": 1}, session_id="t", extra={"e": 1}))

    header = store.conversations.get(chat)
    assert (header.settings, header.session_id, header.extra) == ({"mine": 1}, "s", {"k": 1})


def test_a_damaged_copy_takes_no_message_from_its_parent(store: Store, tmp_path: Path) -> None:
    """A line that cannot be read makes its answers roots: in what is kept already they stay where they were."""
    whole = [*TEA.messages, said("c", "b", "Thanks", minute=2)]
    run(store, tmp_path, talk(whole))

    run(store, tmp_path, talk([whole[0], whole[2]]))

    assert [message.text for message in store.messages.thread(only(store))] == ["Water?", "90 C", "Thanks"]


def test_a_file_in_our_format_makes_no_impossible_tree(store: Store, tmp_path: Path) -> None:
    """Its ids and parents are ours, but anybody can write them."""
    elsewhere = store.messages.append(store.conversations.create(id="elsewhere").id, "user", "x")

    def message(id: str, parent_id: str | None, text: str) -> Message:
        return Message(
            id=id, parent_id=parent_id, conversation_id="own", role="user", parts=(Text(text=text),), created_at=START
        )

    messages = (
        message("child", "parent", "2"),
        message("parent", None, "1"),
        message("parent", None, "again"),
        message("orphan", elsewhere.id, "3"),
        message("one", "two", "4"),
        message("two", "one", "5"),
        message("self", "self", "6"),
    )
    own = msgspec.structs.replace(_own(), messages=messages)
    report = run(store, tmp_path, own)
    again = run(store, tmp_path, own)

    assert sorted(found.text for found in store.messages.list("own").items) == ["1", "2", "3", "4", "5", "6"]
    assert (len(report.skipped), len(report.noted), again.conversations.unchanged) == (1, 3, 1)
    assert check(store).is_clean
