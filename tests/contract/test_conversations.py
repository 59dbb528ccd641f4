"""Conversations: headers, filing, lists, the trash, branches."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chatkeep.errors import (
    AmbiguousIdError,
    ConflictError,
    ConversationNotFoundError,
    CursorError,
    DuplicateError,
    HistoryLostError,
    MessageNotFoundError,
    ProjectNotFoundError,
    UsageError,
)
from chatkeep.model import SourceKey
from chatkeep.store import Filter, Store
from chatkeep.store.change_cursors import cursor_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def _make(store: Store, count: int, **fields: Any) -> list[str]:
    return [
        store.conversations.create(
            title=f"Chat {number}", **{"created_at": START, "updated_at": START + timedelta(hours=number)} | fields
        ).id
        for number in range(count)
    ]


def _titles(store: Store, **wanted: Any) -> list[str | None]:
    return [item.title for item in store.conversations.list(Filter(**wanted)).items]


def test_a_new_conversation_comes_back_as_it_was_made(store: Store) -> None:
    made = store.conversations.create(
        title="Tea",
        tags=["Kitchen", "tea"],
        settings={"model": "m"},
        extra={"app": {"a": 1}},
        kind="agent",
        pinned=True,
    )

    assert store.conversations.get(made.id) == made
    assert made.tags == ("Kitchen", "tea")
    assert made.settings == {"model": "m"}


def test_an_id_is_taken_once(store: Store) -> None:
    store.conversations.create(id="one")

    with pytest.raises(DuplicateError):
        store.conversations.create(id="one")


def test_a_change_needs_the_version_that_was_read(store: Store) -> None:
    made = store.conversations.create(title="a")
    store.conversations.rename(made.id, "b", version=1)

    with pytest.raises(ConflictError) as caught:
        store.conversations.rename(made.id, "c", version=1)

    assert caught.value.actual == 2
    assert store.conversations.get(made.id).title == "b"


def test_changes_made_here_are_remembered(store: Store) -> None:
    made = store.conversations.create(title="a")
    store.conversations.pin(made.id)
    store.conversations.tag(made.id, "x")

    assert store.conversations.rename(made.id, "b").overrides == ("pinned", "tags", "title")
    assert store.conversations.unpin(made.id).pinned is False


def test_a_change_to_the_same_value_changes_nothing(store: Store) -> None:
    made = store.conversations.create(title="a")

    assert store.conversations.rename(made.id, "a").version == made.version


def test_lists_are_newest_first_and_pages_cover_all_once(store: Store) -> None:
    _make(store, 7)
    seen: list[str | None] = []
    cursor = None
    while True:
        page = store.conversations.list(limit=3, cursor=cursor)
        seen += [item.title for item in page.items]
        cursor = page.next
        if cursor is None:
            break

    assert seen == [f"Chat {number}" for number in reversed(range(7))]


def test_equal_times_do_not_confuse_the_cursor(store: Store) -> None:
    ids = _make(store, 5, updated_at=START)
    first = store.conversations.list(limit=2)
    second = store.conversations.list(limit=10, cursor=first.next)

    assert sorted(item.id for item in first.items + second.items) == sorted(ids)


def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    _make(store, 2)
    cursor = store.conversations.list(limit=1).next

    with pytest.raises(CursorError):
        store.conversations.list(Filter(order="created"), cursor=cursor)


def test_filters_let_through_what_they_say(store: Store) -> None:
    ids = _make(store, 4)
    project = store.projects.create("Home")
    store.conversations.move(ids[0], project.id)
    store.conversations.tag(ids[1], "Kitchen")
    store.conversations.pin(ids[2])
    store.messages.append(ids[3], "assistant", "x", model="m-9", created_at=START)
    store.conversations.archive(ids[3])

    assert _titles(store, project_id=project.id) == ["Chat 0"]
    assert _titles(store, tag="kitchen") == ["Chat 1"]
    assert _titles(store, pinned=True) == ["Chat 2"]
    assert _titles(store, model="m-9") == ["Chat 3"]
    assert _titles(store, archived=True) == ["Chat 3"]
    assert _titles(store, source="chatgpt") == []
    assert _titles(store, since=START + timedelta(hours=2)) == ["Chat 3", "Chat 2"]
    assert _titles(store, until=START + timedelta(hours=1)) == ["Chat 0"]


def test_an_unknown_order_is_refused(store: Store) -> None:
    with pytest.raises(UsageError):
        store.conversations.list(Filter(order="random"))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"order": "created"},
        {"trashed": True},
        {"pinned": True},
        {"project_id": "p"},
        {"source": "chatgpt"},
        {"since": START},
    ],
)
def test_every_list_goes_over_an_index(store: Store, wanted: dict[str, Any]) -> None:
    """A list that sorts or scans the table is slow only when somebody has many chats: too late to notice."""
    from chatkeep.store.listing import list_query

    sql, params = list_query("local", Filter(**wanted), None)
    plan = [row[-1] for row in store.engine.read(lambda tx: tx.rows(f"EXPLAIN QUERY PLAN {sql} LIMIT 50", params))]

    assert not [step for step in plan if "USE TEMP B-TREE" in step or step.startswith("SCAN")]


def test_the_trash_hides_and_gives_back(store: Store) -> None:
    ids = _make(store, 2)
    store.conversations.delete(ids[0])
    store.conversations.delete(ids[0])

    assert _titles(store) == ["Chat 1"]
    assert _titles(store, trashed=True) == ["Chat 0"]
    assert store.conversations.restore(ids[0]).trashed_at is None
    assert len(_titles(store)) == 2


def test_tags_are_shared_whatever_their_case(store: Store) -> None:
    ids = _make(store, 2)
    store.conversations.tag(ids[0], "Kitchen")
    store.conversations.tag(ids[1], "kitchen", "tea")

    assert {tag.name: tag.count for tag in store.tags.list()} == {"Kitchen": 2, "tea": 1}
    assert store.conversations.untag(ids[1], "KITCHEN").tags == ("tea",)
    with pytest.raises(UsageError):
        store.conversations.tag(ids[1], "  ")


def test_an_id_is_found_by_its_beginning_end_or_source(store: Store) -> None:
    made = store.conversations.create(id="01a1f8ed-06ae-7082-a05a-bfbcaf568034")
    store.conversations.create(id="01a1f8ed-06ae-7082-a05a-bfbcaf568035")

    assert store.conversations.resolve("568034") == made.id
    assert store.conversations.resolve(made.id) == made.id
    with pytest.raises(AmbiguousIdError):
        store.conversations.resolve("01a1f8ed")
    with pytest.raises(ConversationNotFoundError):
        store.conversations.resolve("01")
    with pytest.raises(ConversationNotFoundError):
        store.conversations.resolve("%")


def test_a_sources_id_that_looks_like_a_shortened_one_of_ours_is_ambiguous(store: Store) -> None:
    """Else a hostile file could stand in front of what somebody means to purge."""
    mine = store.conversations.create().id
    whole = store.conversations.create().id
    theirs = store.conversations.create(source=SourceKey("acme", "", mine[:8])).id
    store.conversations.create(source=SourceKey("acme", "", whole))

    with pytest.raises(AmbiguousIdError):
        store.conversations.resolve(mine[:8])
    assert store.conversations.resolve(whole) == whole
    assert store.conversations.resolve(theirs) == theirs


def test_branches_are_the_leaves_and_switching_shows_one(store: Store) -> None:
    chat = _make(store, 1)[0]
    root = store.messages.append(chat, "user", "root", created_at=START)
    left = store.messages.append(chat, "assistant", "left", created_at=START + timedelta(minutes=1))
    right = store.messages.append(
        chat, "assistant", "right", parent_id=root.id, created_at=START + timedelta(minutes=2)
    )

    found = store.conversations.branches(chat)
    switched = store.conversations.switch(chat, left.id)

    assert [(branch.leaf_id, branch.message_count, branch.is_head) for branch in found] == [
        (right.id, 2, True),
        (left.id, 2, False),
    ]
    assert switched.head_id == left.id
    assert [message.text for message in store.messages.thread(chat)] == ["root", "left"]
    assert store.conversations.switch(chat, root.id).head_id == right.id
    with pytest.raises(MessageNotFoundError):
        store.conversations.switch(chat, "nothing")


def test_the_preview_is_of_the_branch_shown(store: Store) -> None:
    chat = store.conversations.create().id
    root = store.messages.append(chat, "user", "root")
    one = store.messages.append(chat, "assistant", "one")
    store.messages.append(chat, "assistant", "two", parent_id=root.id)

    assert store.conversations.switch(chat, one.id).preview == "one"
    assert store.conversations.get(chat).preview == "one"


def test_tags_are_known_with_spaces_around_them(store: Store) -> None:
    chat = store.conversations.create(tags=[" Kitchen "]).id

    assert [item.id for item in store.conversations.list(Filter(tag="kitchen ")).items] == [chat]
    assert store.conversations.untag(chat, " KITCHEN").tags == ()


def _cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(list(values))).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        _cursor("conversations-updated", 2**63, 1),
        _cursor("conversations-updated", 1, -(2**70)),
        _cursor("conversations-updated", 1),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        "\u00fc",
        "half \ud83c",
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(CursorError):
        store.conversations.list(cursor=cursor)


@pytest.mark.parametrize("seq", [2**70, -1, 5])
def test_a_made_up_place_in_the_change_log_is_refused(store: Store, seq: int) -> None:
    (epoch,) = store.engine.read(lambda tx: tx.row("SELECT epoch FROM store")) or ("",)

    with pytest.raises((CursorError, HistoryLostError)):
        store.changes.since(cursor_of(epoch, seq, 1))


def test_projects_make_a_tree_and_leave_their_chats(store: Store) -> None:
    top = store.projects.create("Home")
    below = store.projects.create("Kitchen", parent_id=top.id)
    chat = store.conversations.create(project_id=below.id)

    with pytest.raises(UsageError):
        store.projects.update(top.id, parent_id=below.id)
    store.projects.delete(top.id)

    assert store.projects.list().items == []
    assert store.conversations.get(chat.id).project_id is None
    with pytest.raises(ProjectNotFoundError):
        store.conversations.move(chat.id, below.id)


def test_projects_are_found_by_name_and_listed_by_it(store: Store) -> None:
    for name in ("beta", "Alpha", "alpha"):
        store.projects.create(name)

    assert [project.name for project in store.projects.list().items][2] == "beta"
    assert len(store.projects.find("ALPHA")) == 2
    assert store.projects.rename(store.projects.find("beta")[0].id, "Gamma").version == 2


def test_another_owner_sees_and_changes_nothing(store: Store, other_store: Store) -> None:
    made = store.conversations.create(title="mine", tags=["t"])
    project = store.projects.create("P")

    assert other_store.conversations.list().items == []
    assert other_store.tags.list() == []
    assert other_store.projects.list().items == []
    for call in (
        lambda: other_store.conversations.get(made.id),
        lambda: other_store.conversations.rename(made.id, "theirs"),
        lambda: other_store.conversations.delete(made.id),
        lambda: other_store.conversations.tag(made.id, "x"),
        lambda: other_store.conversations.branches(made.id),
        lambda: other_store.conversations.resolve(made.id[-6:]),
        lambda: other_store.purge([made.id]),
    ):
        with pytest.raises(ConversationNotFoundError):
            call()
    with pytest.raises(ProjectNotFoundError):
        other_store.projects.delete(project.id)
    with pytest.raises(ProjectNotFoundError):
        other_store.conversations.create(project_id=project.id)
