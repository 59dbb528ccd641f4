"""What streaming does inside transactions: begin a stream, add to it, fold it into its message."""

from __future__ import annotations

from typing import Any

import msgspec

from chatkeep.encoding import clean_value, encode_json, storable
from chatkeep.errors import ReplyExistsError, StoreCorruptError
from chatkeep.model import Message, Part, Usage, to_us, utc_now
from chatkeep.store.appending import add_model, append_message, link_attachments, update_message
from chatkeep.store.chunks import Step, flushed_parts
from chatkeep.store.counting import read_preview
from chatkeep.store.engine import Transaction
from chatkeep.store.rows import decode_message, names_of

_COUNT = (
    "UPDATE conversation SET preview = :preview,"
    " updated_at = CASE WHEN updated_at < :at THEN :at ELSE updated_at END,"
    " input_tokens = input_tokens + :input, output_tokens = output_tokens + :output,"
    " cache_read_tokens = cache_read_tokens + :cache_read, cache_write_tokens = cache_write_tokens + :cache_write,"
    " reasoning_tokens = reasoning_tokens + :reasoning,"
    " cost_nanos = CASE WHEN :cost IS NULL THEN cost_nanos ELSE coalesce(cost_nanos, 0) + :cost END"
    " WHERE owner = :owner AND pk = :pk"
)
_NO_USAGE = Usage()


class StreamKey(msgspec.Struct, frozen=True):
    """Which stream, and on whose behalf it is written."""

    message_pk: int
    owner: str
    writer_id: str


def begin_stream(
    tx: Transaction,
    owner: str,
    writer_id: str,
    draft: Message,
    *,
    parent_id: str | msgspec.UnsetType | None,
    idempotency_key: str | None,
) -> tuple[StreamKey, Message]:
    """Append ``draft``, whose status is ``streaming``, and note who writes it.

    Raises:
        ReplyExistsError: The idempotency key was used in this conversation.
    """
    if idempotency_key is not None:
        _refuse_repeated(tx, owner, draft.conversation_id, idempotency_key)
    message = append_message(tx, owner, draft, parent_id=parent_id, idempotency_key=idempotency_key)
    row = tx.row("SELECT pk FROM message WHERE owner = :owner AND id = :id", {"owner": owner, "id": message.id})
    assert row is not None, "the row was inserted just now"
    key = StreamKey(row[0], owner, writer_id)
    tx.run("INSERT INTO stream (message_pk, owner, writer_id) VALUES (:pk, :owner, :writer_id)", _params(key))
    return key, message


def _refuse_repeated(tx: Transaction, owner: str, conversation_id: str, idempotency_key: str) -> None:
    row = tx.row(
        "SELECT m.id, m.status FROM conversation AS c JOIN message AS m"
        " ON m.owner = c.owner AND m.conversation_pk = c.pk AND m.idempotency_key = :key"
        " WHERE c.owner = :owner AND c.id = :id",
        {"owner": owner, "id": conversation_id, "key": idempotency_key},
    )
    if row is not None:
        raise ReplyExistsError(idempotency_key, message_id=row[0], status=row[1])


def add_chunk(tx: Transaction, key: StreamKey, n: int, delta: str) -> bool:
    """Add a chunk, or replace it by a longer one; False, and nothing is written, if the stream is not ours any more."""
    # An update, not a question: where transactions run side by side it keeps others from taking the stream over now.
    if not tx.run(
        "UPDATE stream SET writer_id = :writer_id WHERE message_pk = :pk AND owner = :owner AND writer_id = :writer_id",
        _params(key),
    ):
        return False
    # A commit whose answer was lost is repeated under the same number.
    tx.run(
        "INSERT INTO stream_chunk (message_pk, n, delta) VALUES (:pk, :n, :delta)"
        " ON CONFLICT (message_pk, n) DO UPDATE SET delta = excluded.delta",
        {"pk": key.message_pk, "n": n, "delta": delta},
    )
    return True


def fold_stream(
    tx: Transaction, key: StreamKey, fields: dict[str, Any], *, parts: tuple[Part, ...] | None = None
) -> Message | None:
    """End a stream: its parts become the message's, the conversation's counters follow, the chunks go.

    Args:
        fields: Of the message, ``status`` among them; ``extra`` is added to what is there.
        parts: What was streamed; None takes what was flushed.

    Returns:
        The message; None, and nothing was done, if the stream is not this writer's any more.

    Raises:
        StoreCorruptError: The message's record is damaged.
    """
    if (
        tx.row(
            "DELETE FROM stream WHERE message_pk = :pk AND owner = :owner AND writer_id = :writer_id RETURNING 1",
            _params(key),
        )
        is None
    ):
        return None
    return settle_message(tx, key.owner, key.message_pk, fields, parts=parts)


def settle_message(
    tx: Transaction, owner: str, message_pk: int, fields: dict[str, Any], *, parts: tuple[Part, ...] | None = None
) -> Message | None:
    """The part of :func:`fold_stream` behind the question whose stream it is; None if the message is gone."""
    key = {"owner": owner, "pk": message_pk}
    row = tx.row("SELECT body, overrides, conversation_pk FROM message WHERE owner = :owner AND pk = :pk", key)
    if parts is None:
        parts = flushed_parts(tx, message_pk)
    tx.run("DELETE FROM stream_chunk WHERE message_pk = :pk", {"pk": message_pk})
    if row is None:
        return None
    try:
        before = decode_message(row[0])
    except msgspec.DecodeError as error:
        raise StoreCorruptError(f"message {message_pk}: its record cannot be read: run check") from error
    # What was set meanwhile, such as a rating, stays; a message that was stored whole keeps its parts.
    changed = {"completed_at": utc_now(), **fields, "parts": parts or before.parts}
    if "extra" in fields:
        changed["extra"] = {**before.extra, **fields["extra"]}
    after = storable(msgspec.structs.replace(before, **changed))
    update_message(tx, owner, message_pk, after, overrides=set(names_of(row[1])), op="finish")
    link_attachments(tx, owner, message_pk, after)
    _count(tx, owner, row[2], before, after)
    return after


def _count(tx: Transaction, owner: str, conversation_pk: int, before: Message, after: Message) -> None:
    key = {"owner": owner, "pk": conversation_pk}
    old, new = before.usage or _NO_USAGE, after.usage or _NO_USAGE
    priced = before.cost_nanos is not None or after.cost_nanos is not None
    tx.run(
        _COUNT,
        key
        | {
            "preview": read_preview(tx, owner, conversation_pk),
            "at": to_us(utc_now()),
            "input": new.input - old.input,
            "output": new.output - old.output,
            "cache_read": new.cache_read - old.cache_read,
            "cache_write": new.cache_write - old.cache_write,
            "reasoning": new.reasoning - old.reasoning,
            "cost": (after.cost_nanos or 0) - (before.cost_nanos or 0) if priced else None,
        },
    )
    if after.model is not None and after.model != before.model:
        row = tx.row("SELECT models FROM conversation WHERE owner = :owner AND pk = :pk", key)
        add_model(tx, owner, conversation_pk, after.model, names_of(row[0] if row else None))


def chunk_text(steps: list[Step]) -> str:
    """A chunk of steps, with text that every engine can store."""
    try:
        text = encode_json(steps)
        if "\\u0000" not in text:
            return text
    except UnicodeEncodeError:
        pass
    return encode_json(clean_value(msgspec.to_builtins(steps), {}))


def _params(key: StreamKey) -> dict[str, Any]:
    return {"pk": key.message_pk, "owner": key.owner, "writer_id": key.writer_id}
