"""Between values and rows: which columns a record fills, and how it comes back."""

from __future__ import annotations

from typing import Any

import msgspec

from chatkeep.encoding import encode_json
from chatkeep.model import Conversation, Message, SourceKey, Usage, from_us, to_us
from chatkeep.store.engine import Row

_message = msgspec.json.Decoder(Message)
_encode = msgspec.json.Encoder().encode
_names = msgspec.json.Decoder(tuple[str, ...])
_mapping = msgspec.json.Decoder(dict[str, Any])

PREVIEW_CHARS = 160

INSERT_MESSAGE_PLAIN = (
    "INSERT INTO message (owner, conversation_pk, seq, id, parent_id, role, model, status, hidden, rating, created_at,"
    " input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_nanos,"
    " source_format, source_scope, source_id, idempotency_key, body)"
    " VALUES (:owner, :conversation_pk, :seq, :id, :parent_id, :role, :model, :status, :hidden, :rating, :created_at,"
    " :input_tokens, :output_tokens, :cache_read_tokens, :cache_write_tokens, :reasoning_tokens, :cost_nanos,"
    " :source_format, :source_scope, :source_id, :idempotency_key, :body)"
)
INSERT_MESSAGE = f"{INSERT_MESSAGE_PLAIN} RETURNING pk"

UPDATE_MESSAGE = (
    "UPDATE message SET seq = :seq, parent_id = :parent_id, role = :role, model = :model, status = :status,"
    " hidden = :hidden, rating = :rating, created_at = :created_at, input_tokens = :input_tokens,"
    " output_tokens = :output_tokens, cache_read_tokens = :cache_read_tokens, cache_write_tokens = :cache_write_tokens,"
    " reasoning_tokens = :reasoning_tokens, cost_nanos = :cost_nanos, overrides = :overrides, body = :body"
    " WHERE owner = :owner AND pk = :pk"
)

CONVERSATION_COLUMNS = (
    "c.id, c.title, p.id, c.kind, c.workspace, c.agent, c.session_id, c.head_id, c.pinned, c.archived, c.trashed_at,"
    " c.created_at, c.updated_at, c.message_count, c.preview, c.input_tokens, c.output_tokens, c.cache_read_tokens,"
    " c.cache_write_tokens, c.reasoning_tokens, c.cost_nanos, c.models, c.tags, c.settings, c.source_format,"
    " c.source_scope, c.source_id, c.source_digest, c.overrides, c.version, c.extra"
)
CONVERSATION_FROM = "conversation AS c LEFT JOIN project AS p ON p.owner = c.owner AND p.pk = c.project_pk"


def encode_message(message: Message) -> str:
    """The ``body`` of a message: its JSON, which starts with ``seq`` (and ``parent_id`` unless it is a root)."""
    return _encode(message).decode()


def decode_messages(bodies: list[str]) -> list[Message]:
    """Messages of their bodies."""
    # One by one, each from the memory where it lies: joining a page of them first takes twice as long.
    decode = _message.decode
    return [decode(body) for body in bodies]


def decode_message(body: str) -> Message:
    """The message of one body."""
    return _message.decode(body)


def message_columns(message: Message) -> dict[str, Any]:
    """The columns that a message's body also says, and the body."""
    usage, source = message.usage, message.source
    return {
        "seq": message.seq,
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "model": message.model,
        "status": message.status,
        "hidden": int(message.hidden),
        "rating": message.rating,
        "created_at": to_us(message.created_at),
        "input_tokens": usage.input if usage else None,
        "output_tokens": usage.output if usage else None,
        "cache_read_tokens": usage.cache_read if usage else None,
        "cache_write_tokens": usage.cache_write if usage else None,
        "reasoning_tokens": usage.reasoning if usage else None,
        "cost_nanos": message.cost_nanos,
        "source_format": source.format if source else None,
        "source_scope": source.scope if source else None,
        "source_id": source.source_id if source else None,
        "body": encode_message(message),
    }


def preview_of(message: Message) -> str | None:
    """What a list shows of a conversation that ends in this message; None keeps what was shown before."""
    if message.hidden or message.role not in ("user", "assistant"):
        return None
    for part in message.parts:
        text = getattr(part, "text", None)
        if part.__struct_config__.tag in ("text", "code") and text:
            preview = " ".join(text[: PREVIEW_CHARS * 2].split())[:PREVIEW_CHARS]
            if preview:
                return preview
    return None


def names_json(names: tuple[str, ...] | list[str] | set[str]) -> str | None:
    """A column of names: a sorted JSON array, or NULL for none."""
    return encode_json(sorted(set(names))) if names else None


def names_of(column: str | None) -> tuple[str, ...]:
    """The names of such a column."""
    return _names.decode(column) if column else ()


def conversation_of(row: Row) -> Conversation:
    """The value of a row of :data:`CONVERSATION_COLUMNS`."""
    (id, title, project_id, kind, workspace, agent, session_id, head_id, pinned, archived, trashed_at) = row[:11]
    created_at, updated_at, message_count, preview = row[11:15]
    cost_nanos, models, tags, settings, format, scope, source_id, digest, overrides, version, extra = row[20:]
    return Conversation(
        id=id,
        title=title,
        project_id=project_id,
        kind=kind,
        workspace=workspace,
        agent=agent,
        session_id=session_id,
        head_id=head_id,
        pinned=bool(pinned),
        archived=bool(archived),
        trashed_at=None if trashed_at is None else from_us(trashed_at),
        created_at=from_us(created_at),
        updated_at=from_us(updated_at),
        message_count=message_count,
        preview=preview,
        usage=Usage(input=row[15], output=row[16], cache_read=row[17], cache_write=row[18], reasoning=row[19]),
        cost_nanos=cost_nanos,
        models=names_of(models),
        tags=names_of(tags),
        settings=_mapping.decode(settings),
        source=None if source_id is None else SourceKey(format, scope, source_id),
        source_digest=digest,
        overrides=_names.decode(overrides),
        version=version,
        extra=_mapping.decode(extra),
    )
