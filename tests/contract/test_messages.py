"""Messages: appended in O(1), read back as they were, in a tree."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatkeep.errors import (
    ConversationNotFoundError,
    CursorError,
    DuplicateError,
    MessageNotFoundError,
    TrashedError,
    UsageError,
)
from chatkeep.model import AttachmentRef, Code, Message, Text, Thinking, ToolCall, ToolResult, Usage
from chatkeep.store import Store


@pytest.fixture
def chat(store: Store) -> str:
    return store.conversations.create(title="Tea").id


def test_an_appended_message_comes_back_as_it_was(store: Store, chat: str) -> None:
    parts = (
        Thinking(text="hm"),
        Text(text="用Python写"),
        ToolCall(id="c1", name="search", input={"q": ["oolong", 2**70, 0.1]}),
        ToolResult(call_id="c1", output=[{"a": None}], is_error=True),
        Code(text="print()", language="python", extra={"line": 3}),
    )
    sent = store.messages.append(
        chat,
        "assistant",
        parts,
        model="m-1",
        usage=Usage(input=3, output=5, reasoning=2),
        cost_nanos=7,
        created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        extra={"app": {"k": "v"}},
    )

    assert store.messages.get(sent.id) == sent
    assert sent.parts == parts
    assert sent.seq == 1


def test_appending_moves_head_counters_preview_and_time(store: Store, chat: str) -> None:
    store.messages.append(chat, "user", "Water for\n oolong?")
    last = store.messages.append(chat, "assistant", "90 C", model="m-1", usage=Usage(input=10, output=2), cost_nanos=5)
    store.messages.append(chat, "assistant", "", model="m-2", parent_id=last.id, cost_nanos=6, hidden=True)

    header = store.conversations.get(chat)

    assert header.message_count == 3
    assert header.preview == "90 C"
    assert header.usage == Usage(input=10, output=2)
    assert header.cost_nanos == 11
    assert header.models == ("m-1", "m-2")
    assert header.updated_at >= last.created_at
    assert header.version == 1


def test_messages_follow_the_head_unless_told_otherwise(store: Store, chat: str) -> None:
    first = store.messages.append(chat, "user", "a")
    second = store.messages.append(chat, "assistant", "b")
    edited = store.messages.append(chat, "user", "a, better", parent_id=None)
    again = store.messages.append(chat, "assistant", "b2", parent_id=first.id)

    assert second.parent_id == first.id
    assert edited.parent_id is None
    assert [message.id for message in store.messages.thread(chat)] == [first.id, again.id]
    assert [message.id for message in store.messages.thread(chat, head_id=edited.id)] == [edited.id]


def test_the_newest_of_a_long_thread_are_found_among_branches(store: Store, chat: str) -> None:
    """The walk reads rows of other branches too and must pass over them."""
    root = store.messages.append(chat, "user", "root")
    trunk = [root.id]
    for number in range(60):
        store.messages.append(chat, "assistant", f"dead end {number}", parent_id=trunk[-1])
        trunk.append(store.messages.append(chat, "assistant", f"{number}", parent_id=trunk[-1]).id)

    assert [message.id for message in store.messages.thread(chat)] == trunk
    assert [message.id for message in store.messages.thread(chat, limit=7)] == trunk[-7:]


def test_a_thread_of_more_than_a_page_is_whole(store: Store, chat: str) -> None:
    store.messages.extend(chat, [("user", str(number)) for number in range(2050)])

    assert [message.text for message in store.messages.thread(chat)] == [str(number) for number in range(2050)]
    assert [message.text for message in store.messages.thread(chat, limit=2)] == ["2048", "2049"]


def test_pages_cover_every_message_once(store: Store, chat: str) -> None:
    store.messages.extend(chat, [("user", str(number)) for number in range(7)])
    seen: list[str] = []
    cursor = None
    while True:
        page = store.messages.list(chat, limit=3, cursor=cursor)
        seen += [message.text for message in page.items]
        cursor = page.next
        if cursor is None:
            break

    assert seen == [str(number) for number in range(7)]


def test_an_idempotency_key_gives_the_first_message_again(store: Store, chat: str) -> None:
    """A caller that lost the answer repeats the call."""
    first = store.messages.append(chat, "user", "once", idempotency_key="k")

    assert store.messages.append(chat, "user", "once", idempotency_key="k") == first
    assert store.conversations.get(chat).message_count == 1
    with pytest.raises(DuplicateError):
        store.messages.append(chat, "user", "other", idempotency_key="k")


def test_writing_nowhere_is_an_error_that_names_the_place(store: Store, chat: str) -> None:
    elsewhere = store.messages.append(store.conversations.create().id, "user", "x")

    with pytest.raises(ConversationNotFoundError, match="nowhere"):
        store.messages.append("nowhere", "user", "x")
    with pytest.raises(MessageNotFoundError):
        store.messages.append(chat, "user", "x", parent_id=elsewhere.id)
    with pytest.raises(UsageError):
        store.messages.append(chat, "robot", "x")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(UsageError):
        store.messages.append(chat, "user", "x", colour="red")
    with pytest.raises(MessageNotFoundError):
        store.messages.get("nothing")
    with pytest.raises(CursorError):
        store.messages.list(chat, cursor="nonsense")
    assert store.conversations.get(chat).message_count == 0


def test_the_trash_takes_no_messages(store: Store, chat: str) -> None:
    store.conversations.delete(chat)

    with pytest.raises(TrashedError):
        store.messages.append(chat, "user", "x")


def test_a_failed_batch_leaves_nothing(store: Store, chat: str) -> None:
    with pytest.raises(UsageError):
        store.messages.extend(chat, [("user", "a"), ("robot", "b")])  # type: ignore[list-item]  # wrong on purpose

    assert store.messages.list(chat).items == []


@pytest.mark.parametrize("text", ["nul \0 here", "half \ud83c", "\udfff\0", "fine 🧉", "spelled \\u0000"])
def test_text_that_cannot_be_stored_is_replaced_and_noted(store: Store, chat: str, text: str) -> None:
    sent = store.messages.append(chat, "user", text, extra={"deep": {"k\0": [text]}})

    kept = store.messages.get(sent.id)

    assert kept.text == "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    cuts = kept.extra["chatkeep"]["replaced_characters"]
    restored = list(kept.text)
    for offset, escape in cuts.get("/parts/0/text", []):
        restored[offset] = chr(int(escape.removeprefix("\\u"), 16))
    assert "".join(restored) == text


def test_rating_is_kept_and_taken_away(store: Store, chat: str) -> None:
    sent = store.messages.append(chat, "assistant", "x")

    assert store.messages.rate(sent.id, 4).rating == 4
    assert store.messages.get(sent.id).rating == 4
    assert store.messages.rate(sent.id, None).rating is None


def test_one_of_parallel_replies_is_selected(store: Store, chat: str) -> None:
    prompt = store.messages.append(chat, "user", "x")
    replies = [
        store.messages.append(
            chat, "assistant", f"{place}", parent_id=prompt.id, reply_set="s", reply_index=place, selected=place == 0
        )
        for place in range(3)
    ]

    store.messages.select(replies[2].id)

    assert [store.messages.get(reply.id).selected for reply in replies] == [False, False, True]
    with pytest.raises(UsageError):
        store.messages.select(prompt.id)


def test_the_conversation_goes_on_from_the_selected_reply(store: Store, chat: str) -> None:
    prompt = store.messages.append(chat, "user", "x")
    replies = [
        store.messages.append(chat, "assistant", f"reply {place}", parent_id=prompt.id, reply_set="s")
        for place in range(3)
    ]
    store.messages.select(replies[0].id)
    assert store.conversations.get(chat).preview == "reply 0"

    further = store.messages.append(chat, "user", "go on")
    store.messages.select(replies[0].id)

    assert further.parent_id == replies[0].id
    assert store.conversations.get(chat).head_id == further.id


def test_selecting_reaches_as_far_as_the_prompt_and_no_further(store: Store, chat: str) -> None:
    """Agents write a thousand messages between two replies; apps use a set's name again at the next prompt."""
    prompt = store.messages.append(chat, "user", "x")
    early = store.messages.append(chat, "assistant", "a", parent_id=prompt.id, reply_set="s")
    store.messages.extend(chat, [("tool", "t")] * 1_100)
    late = store.messages.append(chat, "assistant", "b", parent_id=prompt.id, reply_set="s", selected=False)
    below = store.messages.append(chat, "assistant", "c", parent_id=late.id, reply_set="s")

    store.messages.select(late.id)

    assert [store.messages.get(reply.id).selected for reply in (early, late, below)] == [False, True, True]


def test_submitted_messages_are_written_in_order(store: Store, chat: str) -> None:
    futures = [store.messages.submit(chat, "user", str(number)) for number in range(50)]

    assert [future.result().seq for future in futures] == list(range(1, 51))


def test_a_megabyte_passes(store: Store, chat: str) -> None:
    text = "wide 字 " * 150_000
    sent = store.messages.append(chat, "user", text)

    assert store.messages.get(sent.id).text == text


def test_another_owner_sees_and_changes_nothing(store: Store, other_store: Store, chat: str) -> None:
    message = store.messages.append(chat, "user", "mine")

    with pytest.raises(MessageNotFoundError):
        other_store.messages.get(message.id)
    with pytest.raises(MessageNotFoundError):
        other_store.messages.rate(message.id, 1)
    with pytest.raises(ConversationNotFoundError):
        other_store.messages.append(chat, "user", "theirs")
    with pytest.raises(ConversationNotFoundError):
        other_store.messages.list(chat)
    with pytest.raises(ConversationNotFoundError):
        other_store.messages.thread(chat)


def test_equality_of_stored_and_returned(store: Store, chat: str) -> None:
    """What append returns is what a reader sees: no field is filled in later."""
    sent = store.messages.append(chat, "user", "x")
    page: list[Message] = store.messages.list(chat).items

    assert page == [sent]


def test_a_part_of_many_megabytes_becomes_an_attachment(store: Store, chat: str) -> None:
    sent = store.messages.append(chat, "tool", ToolResult(call_id="c", output="x" * 9_000_000, is_error=True))
    (part,) = store.messages.get(sent.id).parts

    assert isinstance(part, AttachmentRef)
    assert part.extra["chatkeep"] == {"part": "tool_result", "fields": {"call_id": "c", "is_error": True}}
    assert part.attachment_id is not None
    assert store.attachments.get(part.attachment_id).size_bytes == 9_000_000
    assert [found.id for found in store.attachments.list(chat)] == [part.attachment_id]


def _attachments(store: Store) -> int:
    (count,) = store.engine.read(lambda tx: tx.row("SELECT count(*) FROM attachment")) or (-1,)
    return int(count)


def test_repeating_a_message_of_many_megabytes_gives_the_first_again(store: Store, chat: str) -> None:
    """Its text became a file, with an id of its own at each call; the bytes say that it is the same."""
    first = store.messages.append(chat, "user", "x" * 9_000_000, idempotency_key="k")

    assert store.messages.append(chat, "user", "x" * 9_000_000, idempotency_key="k") == first
    with pytest.raises(DuplicateError):
        store.messages.append(chat, "user", "y" * 9_000_000, idempotency_key="k")
    with pytest.raises(DuplicateError):
        store.messages.append(chat, "user", "other", idempotency_key="k")
    assert _attachments(store) == 1


def test_a_message_that_is_not_written_leaves_no_file(store: Store, chat: str) -> None:
    """Nothing would lead to it: no purge would ever reach it."""
    with pytest.raises(ConversationNotFoundError):
        store.messages.append("nowhere", "user", "x" * 9_000_000)
    with pytest.raises(MessageNotFoundError):
        store.messages.append(chat, "user", "x" * 9_000_000, parent_id="nowhere")

    assert _attachments(store) == 0
