"""Streamed replies: durable piece by piece, whole at their end, and nobody else's."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from threading import Event
from typing import Any

import pytest

from chatkeep.errors import (
    ConversationNotFoundError,
    ReplyExistsError,
    TrashedError,
    UsageError,
)
from chatkeep.model import Text, Thinking, ToolCall, Usage
from chatkeep.store import Store
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.flushing import Flusher
from chatkeep.store.streams import Streams
from tests.contract.stream_state import ended, leftovers


@pytest.fixture
def chat(store: Store) -> str:
    return store.conversations.create(title="Tea").id


def test_a_reply_is_the_durable_head_as_soon_as_it_begins(store: Store, streams: Streams, chat: str) -> None:
    asked = store.messages.append(chat, "user", "Tea?")

    reply = streams.open_stream(chat, model="m1")

    begun = store.messages.get(reply.message.id)
    assert (begun.status, begun.role, begun.model, begun.parent_id) == ("streaming", "assistant", "m1", asked.id)
    assert store.conversations.get(chat).head_id == begun.id


def test_pieces_become_parts_in_their_order(store: Store, streams: Streams, chat: str) -> None:
    call = ToolCall(id="c1", name="kettle", input={"water": ["hot"]})
    with streams.open_stream(chat) as reply:
        reply.think("Wat")
        reply.think("er")
        reply.write("用")
        reply.write("Py")
        reply.add(call)
        reply.write("done")

    assert reply.message.parts == (Thinking(text="Water"), Text(text="用Py"), call, Text(text="done"))
    assert store.messages.get(reply.message.id) == reply.message
    assert reply.message.status == "complete"
    assert reply.message.completed_at is not None


def test_what_was_flushed_can_be_read_before_the_end(
    store: Store, streams: Streams, flusher: Flusher, chat: str
) -> None:
    reply = streams.open_stream(chat)
    for piece in ("one", " two"):
        reply.write(piece)
        flusher.flush()
    reply.write(" three")

    assert store.messages.get(reply.message.id).text == "one two"
    assert reply.text == "one two three"


def test_the_end_is_counted_once(store: Store, streams: Streams, chat: str) -> None:
    store.messages.append(chat, "assistant", "Hello", usage=Usage(input=1), cost_nanos=10)
    with streams.open_stream(chat, usage=Usage(input=5)) as reply:
        reply.write("Bye")
        reply.finish(usage=Usage(input=7, output=3, reasoning=2), cost_nanos=40, model="m2", provider="p")

    conversation = store.conversations.get(chat)
    assert conversation.usage == Usage(input=8, output=3, reasoning=2)
    assert (conversation.cost_nanos, conversation.models, conversation.preview) == (50, ("m2",), "Bye")
    assert conversation.message_count == 2
    assert store.messages.get(reply.message.id).provider == "p"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(1), "interrupted"),
        (GeneratorExit(), "interrupted"),
        (asyncio.CancelledError(), "interrupted"),
        (ValueError("the model's connection broke"), "failed"),
    ],
)
def test_an_exception_ends_the_reply_and_goes_on(
    store: Store, streams: Streams, chat: str, error: BaseException, status: str
) -> None:
    reply = streams.open_stream(chat)

    def break_off() -> None:
        with reply:
            reply.write("half a sen")
            raise error

    with pytest.raises(type(error)) as raised:
        break_off()
    assert raised.value is error
    assert ended(store, reply) == (status, "half a sen")


def test_an_end_leaves_nothing_behind(engine: Engine, streams: Streams, flusher: Flusher, chat: str) -> None:
    with streams.open_stream(chat) as reply:
        reply.write("x")
        flusher.flush()
        assert leftovers(engine) == [1, 1]

    assert leftovers(engine) == [0, 0]


def test_only_beginning_and_end_are_logged(store: Store, streams: Streams, flusher: Flusher, chat: str) -> None:
    """Flushing five times a second must not wake every consumer of the log."""
    start = store.changes.cursor()
    with streams.open_stream(chat) as reply:
        for _ in range(3):
            reply.write("x")
            flusher.flush()

    changes = store.changes.since(start).changes
    assert [(change.kind, change.op, change.id) for change in changes] == [
        ("message", "start", reply.message.id),
        ("message", "finish", reply.message.id),
    ]


def test_all_open_replies_are_flushed_in_one_transaction(
    engine: Engine, streams: Streams, flusher: Flusher, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = [streams.open_stream(chat) for _ in range(5)]
    for reply in replies:
        reply.write("x")
    writes = []
    original = engine.write

    def counted(work: Any, **options: Any) -> Any:
        writes.append(work)
        return original(work, **options)

    monkeypatch.setattr(engine, "write", counted)

    flusher.flush()

    assert len(writes) == 1
    assert leftovers(engine) == [5, 5]


def test_a_missing_or_trashed_conversation_takes_no_stream(store: Store, streams: Streams, chat: str) -> None:
    with pytest.raises(ConversationNotFoundError):
        streams.open_stream("nowhere")
    store.conversations.delete(chat)
    with pytest.raises(TrashedError):
        streams.open_stream(chat)


def test_a_key_names_one_reply(streams: Streams, chat: str) -> None:
    with streams.open_stream(chat, idempotency_key="job 7") as reply:
        with pytest.raises(ReplyExistsError) as running:
            streams.open_stream(chat, idempotency_key="job 7")
        reply.write("x")

    with pytest.raises(ReplyExistsError) as done:
        streams.open_stream(chat, idempotency_key="job 7")
    assert (running.value.message_id, running.value.status) == (reply.message.id, "streaming")
    assert (done.value.message_id, done.value.status) == (reply.message.id, "complete")


def test_a_rating_given_meanwhile_stays(store: Store, streams: Streams, flusher: Flusher, chat: str) -> None:
    with streams.open_stream(chat) as reply:
        reply.write("one")
        flusher.flush()
        store.messages.rate(reply.message.id, 5)
        reply.write(" two")

    message = store.messages.get(reply.message.id)
    assert (message.rating, message.text) == (5, "one two")


def test_the_preview_is_of_the_branch_shown(store: Store, streams: Streams, chat: str) -> None:
    asked = store.messages.append(chat, "user", "Tea?")
    with streams.open_stream(chat) as reply:
        store.messages.append(chat, "user", "Or coffee?", parent_id=asked.id)
        reply.write("Tea.")

    assert store.conversations.get(chat).preview == "Or coffee?"


@pytest.mark.parametrize(
    "fields", [{"status": "streaming"}, {"role": "user"}, {"usage": "many"}, {"cost_nanos": 1.5}, {"extra": {1, 2}}]
)
def test_an_end_with_nonsense_is_refused_and_can_be_repeated(
    streams: Streams, chat: str, fields: dict[str, Any]
) -> None:
    reply = streams.open_stream(chat)
    reply.write("x")

    with pytest.raises(UsageError):
        reply.finish(**fields)

    assert reply.finish().text == "x"


def test_a_beginning_with_nonsense_is_refused(store: Store, streams: Streams, chat: str) -> None:
    for fields in ({"status": "complete"}, {"parts": ()}, {"usage": "many"}, {"colour": "red"}):
        with pytest.raises(UsageError):
            streams.open_stream(chat, **fields)

    assert store.messages.list(chat).items == []


def test_only_text_and_storable_parts_are_taken(streams: Streams, chat: str) -> None:
    """What cannot be stored is refused where it is given, not in a thread that nobody hears."""
    with streams.open_stream(chat) as reply:
        for odd in (b"bytes", None, 7):
            with pytest.raises(UsageError):
                reply.write(odd)  # type: ignore[arg-type]  # that is the point
        with pytest.raises(UsageError):
            reply.add(ToolCall(id="c", name="n", input=object()))
        with pytest.raises(UsageError):
            reply.add(ToolCall(id="c", name="n", input=["\ud800", object()]))
        with pytest.raises(UsageError):
            reply.add("text")  # type: ignore[arg-type]  # that is the point

    assert reply.message.parts == ()


def test_an_ended_reply_takes_no_more(streams: Streams, chat: str) -> None:
    reply = streams.open_stream(chat)
    reply.write("x")
    first = reply.finish()

    assert reply.finish(status="failed") == first
    with pytest.raises(UsageError, match="has ended"):
        reply.write("y")


def test_halves_of_a_character_find_together(store: Store, streams: Streams, flusher: Flusher, chat: str) -> None:
    """Some sources cut UTF-16 between two deltas."""
    with streams.open_stream(chat) as reply:
        reply.write("a\ud83d")
        flusher.flush()
        reply.write("\ude00b\ud83d\0")
        flusher.flush()

    message = store.messages.get(reply.message.id)
    assert message.text == "a\U0001f600b\ufffd\ufffd"
    assert message.extra["chatkeep"]["replaced_characters"] == {"/parts/0/text": [[3, "\\ud83d"], [4, "\\u0000"]]}


def test_futures_begin_and_end_replies(store: Store, streams: Streams, chat: str) -> None:
    reply = streams.submit_stream(chat).result(30)
    reply.write("x")

    message = reply.submit_finish(cost_nanos=3).result(30)

    assert store.messages.get(message.id) == message
    assert reply.submit_finish().result(0) == message


def _hold(engine: Engine) -> tuple[Future[None], Any]:
    """Keep the writer at work until the second value is called."""
    begun, go_on = Event(), Event()

    def work(tx: Transaction) -> None:
        begun.set()
        assert go_on.wait(30)

    held = engine.submit(work)
    assert begun.wait(30)
    return held, go_on.set


def test_a_beginning_that_is_cancelled_in_time_never_was(
    engine: Engine, store: Store, streams: Streams, chat: str
) -> None:
    held, let_go = _hold(engine)
    future = streams.submit_stream(chat)
    assert future.cancel()
    let_go()
    held.result(30)
    store.messages.append(chat, "user", "later")

    assert [message.role for message in store.messages.list(chat).items] == ["user"]
