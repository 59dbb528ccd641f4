"""Whose a stream is: its writer's while that lives, then of whoever ends it; and what closing and purging do to it."""

from __future__ import annotations

import pytest

from chatkeep.errors import (
    ConversationNotFoundError,
    StoreClosedError,
    StoreCorruptError,
    StreamLostError,
)
from chatkeep.model import ToolCall
from chatkeep.store import Store
from chatkeep.store.appending import append_message, new_message
from chatkeep.store.engine import Engine
from chatkeep.store.flushing import Flusher
from chatkeep.store.streams import Streams
from tests.contract.conftest import MakeFlusher
from tests.contract.stream_state import ended, leftovers


@pytest.fixture
def chat(store: Store) -> str:
    return store.conversations.create(title="Tea").id


def _die(flusher: Flusher) -> None:
    """What the death of a process lets go of, with its streams as they are."""
    flusher.presence.close()


def test_a_stream_whose_writer_is_gone_keeps_what_was_flushed(
    store: Store, streams: Streams, flusher: Flusher, make_flusher: MakeFlusher, chat: str
) -> None:
    reply = streams.open_stream(chat)
    reply.write("flushed")
    reply.add(ToolCall(id="c1", name="kettle"))
    flusher.flush()
    reply.write(" not flushed")
    _die(flusher)

    assert make_flusher().recover() == 1
    assert ended(store, reply) == ("interrupted", "flushed")
    assert store.messages.get(reply.message.id).parts[1] == ToolCall(id="c1", name="kettle")


def test_a_living_writers_stream_is_left_alone(
    store: Store, streams: Streams, make_flusher: MakeFlusher, chat: str
) -> None:
    reply = streams.open_stream(chat)

    assert make_flusher().recover() == 0
    assert store.messages.get(reply.message.id).status == "streaming"


def test_who_lost_a_stream_learns_it_and_keeps_the_text(
    store: Store, streams: Streams, flusher: Flusher, make_flusher: MakeFlusher, chat: str
) -> None:
    """A process that was asleep for long must not write into what others have ended."""
    reply = streams.open_stream(chat)
    reply.write("one")
    flusher.flush()
    _die(flusher)
    make_flusher().recover()

    reply.write(" two")
    flusher.flush()

    with pytest.raises(StreamLostError) as lost:
        reply.write(" three")
    assert (lost.value.message_id, lost.value.text) == (reply.message.id, "one two")
    with pytest.raises(StreamLostError):
        reply.finish()
    assert reply.text == "one two"
    assert ended(store, reply) == ("interrupted", "one")


def test_an_end_is_refused_too_once_the_stream_is_lost(
    streams: Streams, flusher: Flusher, make_flusher: MakeFlusher, chat: str
) -> None:
    reply = streams.open_stream(chat)
    reply.write("all of it")
    _die(flusher)
    make_flusher().recover()

    with pytest.raises(StreamLostError) as lost:
        reply.finish()

    assert lost.value.text == "all of it"


def test_a_reply_goes_on_in_the_trash(store: Store, streams: Streams, flusher: Flusher, chat: str) -> None:
    """The model is still being paid for; restoring the conversation shows what it said."""
    with streams.open_stream(chat) as reply:
        reply.write("one")
        store.conversations.delete(chat)
        flusher.flush()
        reply.write(" two")

    assert ended(store, reply) == ("complete", "one two")


def test_purging_takes_the_stream_away(
    engine: Engine, store: Store, streams: Streams, flusher: Flusher, chat: str
) -> None:
    reply = streams.open_stream(chat)
    reply.write("secret")
    flusher.flush()
    store.purge([chat])
    reply.write(" more")
    flusher.flush()

    with pytest.raises(StreamLostError):
        reply.write("!")

    assert leftovers(engine) == [0, 0]


def test_a_message_without_a_stream_does_not_stream_for_ever(
    engine: Engine, store: Store, make_flusher: MakeFlusher, chat: str
) -> None:
    """It came from a backup, or from an import of an app that was at work."""
    draft = new_message(chat, "assistant", "half", {"status": "streaming"})
    engine.write(lambda tx: append_message(tx, store.owner, draft))

    assert make_flusher().recover() == 1
    message = store.messages.get(draft.id)
    assert (message.status, message.text) == ("interrupted", "half")
    assert make_flusher().recover() == 0


def test_a_record_that_cannot_be_read_keeps_nobody_else_waiting(
    engine: Engine, store: Store, streams: Streams, flusher: Flusher, make_flusher: MakeFlusher, chat: str
) -> None:
    broken, sound = streams.open_stream(chat), streams.open_stream(chat)
    sound.write("sound")
    flusher.flush()
    spoil = "UPDATE message SET body = '{' WHERE id = :id"
    engine.write(lambda tx: tx.run(spoil, {"id": broken.message.id}))
    _die(flusher)

    assert make_flusher().recover() == 1
    assert ended(store, sound) == ("interrupted", "sound")
    with pytest.raises(StoreCorruptError):
        flusher.close()


@pytest.mark.parametrize("chunk", ['["', "[7]", '[["part", 7]]', '[["text", 7]]', '[["part", {"type": "text"}]]'])
def test_a_chunk_that_cannot_be_read_keeps_nobody_else_waiting(
    engine: Engine, store: Store, streams: Streams, flusher: Flusher, make_flusher: MakeFlusher, chat: str, chunk: str
) -> None:
    """Every opening recovers: an error that nobody expects would keep the whole store shut."""
    broken, sound = streams.open_stream(chat), streams.open_stream(chat)
    broken.write("broken")
    sound.write("sound")
    flusher.flush()
    spoil = "UPDATE stream_chunk SET delta = :chunk WHERE message_pk = (SELECT pk FROM message WHERE id = :id)"
    engine.write(lambda tx: tx.run(spoil, {"chunk": chunk, "id": broken.message.id}))
    _die(flusher)

    assert make_flusher().recover() == 1
    assert ended(store, sound) == ("interrupted", "sound")
    with pytest.raises(StoreCorruptError):
        store.messages.get(broken.message.id)


def test_closing_ends_what_is_open(store: Store, streams: Streams, flusher: Flusher, chat: str) -> None:
    reply = streams.open_stream(chat)
    reply.write("unfinished")

    flusher.close()

    assert ended(store, reply) == ("interrupted", "unfinished")
    for call in (lambda: reply.write("more"), reply.finish, lambda: streams.open_stream(chat)):
        with pytest.raises(StoreClosedError):
            call()
    assert reply.text == "unfinished"


def test_owners_share_a_flusher_and_nothing_else(
    store: Store, other_store: Store, streams: Streams, flusher: Flusher, chat: str
) -> None:
    with pytest.raises(ConversationNotFoundError):
        Streams(flusher, other_store.owner).open_stream(chat)
    theirs = other_store.conversations.create().id
    with Streams(flusher, other_store.owner).open_stream(theirs) as reply, streams.open_stream(chat) as ours:
        reply.write("theirs")
        ours.write("ours")
        flusher.flush()

    assert other_store.messages.get(reply.message.id).text == "theirs"
    assert store.messages.get(ours.message.id).text == "ours"
