"""Writing messages inside a transaction: what appending, streaming and editing share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from chatkeep.encoding import encode_json, storable
from chatkeep.errors import (
    ConstraintError,
    ConversationNotFoundError,
    DuplicateError,
    MessageNotFoundError,
    TrashedError,
    UsageError,
)
from chatkeep.model import ROLES, Attachment, AttachmentRef, Message, Part, Role, Text, Usage, new_id, utc_now
from chatkeep.store import changes
from chatkeep.store.admitting import admitted
from chatkeep.store.changes import ChangeOp
from chatkeep.store.engine import Transaction
from chatkeep.store.rows import (
    INSERT_MESSAGE,
    UPDATE_MESSAGE,
    decode_message,
    message_columns,
    names_json,
    names_of,
    preview_of,
)

Content = str | Part | Iterable[Part]
"""What callers may give as a message's content."""

_HEADER = "SELECT pk, last_seq, head_id, trashed_at, models FROM conversation WHERE owner = :owner AND id = :id"
_COUNT = (
    "UPDATE conversation SET last_seq = :seq, head_id = :head_id, message_count = message_count + 1,"
    " preview = coalesce(:preview, preview),"
    " updated_at = CASE WHEN updated_at < :at THEN :at ELSE updated_at END"
)
_COUNT_PLAIN = f"{_COUNT} WHERE pk = :pk"
_COUNT_PRICED = (
    f"{_COUNT}, input_tokens = input_tokens + :input, output_tokens = output_tokens + :output,"
    " cache_read_tokens = cache_read_tokens + :cache_read, cache_write_tokens = cache_write_tokens + :cache_write,"
    " reasoning_tokens = reasoning_tokens + :reasoning,"
    " cost_nanos = CASE WHEN :cost IS NULL THEN cost_nanos ELSE coalesce(cost_nanos, 0) + :cost END WHERE pk = :pk"
)
_NO_USAGE = Usage()


def new_message(conversation_id: str, role: Role, content: Content, fields: dict[str, Any]) -> Message:
    """A storable message that has no place in its conversation yet.

    Raises:
        UsageError: An unknown role or field, content that is not text or parts, or a value that cannot be stored.
    """
    is_plain = not fields
    if role not in ROLES:
        raise UsageError(f"unknown role {role!r}: one of {', '.join(ROLES)}")
    try:
        message = Message(
            id=fields.pop("id", None) or new_id(),
            conversation_id=conversation_id,
            role=role,
            parts=parts_of(content),
            created_at=fields.pop("created_at", None) or utc_now(),
            **fields,
        )
    except TypeError as error:
        raise UsageError(f"cannot make a message of this: {error}") from error
    # Nothing but text needs no closer look, and ASCII none at all: most messages are that.
    if not (is_plain and all(map(_is_plain_text, message.parts))):
        return admitted(message)
    return message if all(map(_is_plain_ascii, message.parts)) and str(conversation_id).isascii() else storable(message)


def _is_plain_text(part: Part) -> bool:
    return type(part) is Text and type(part.text) is str and not part.extra


def _is_plain_ascii(part: Part) -> bool:
    assert isinstance(part, Text)
    return part.text.isascii() and "\0" not in part.text


def parts_of(content: Content) -> tuple[Part, ...]:
    """Parts of what a caller gave; empty text gives none. Raises UsageError for anything else."""
    if isinstance(content, str):
        return (Text(text=content),) if content else ()
    try:
        parts = (content,) if isinstance(content, msgspec.Struct) else tuple(content)
    except TypeError as error:
        raise UsageError(f"a message is made of text or parts, not of {type(content).__name__}") from error
    for part in parts:
        if not isinstance(part, Part):
            raise UsageError(f"a message is made of text or parts, not of {type(part).__name__}")
    return parts


def storable_columns(message: Message, seq: int) -> tuple[Message, dict[str, Any]]:
    """A message at its place with storable text, and its columns; encodes it once in the usual case."""
    if message.seq != seq:
        message = msgspec.structs.replace(message, seq=seq)
    try:
        columns = message_columns(message)
        if "\\u0000" not in columns["body"]:
            return message, columns
    except UnicodeEncodeError:
        pass
    message = storable(message)
    return message, message_columns(message)


def append_message(
    tx: Transaction,
    owner: str,
    message: Message,
    *,
    parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
    idempotency_key: str | None = None,
) -> Message:
    """Give ``message`` its place at the end of its conversation and write it, in O(1)."""
    header = tx.row(_HEADER, {"owner": owner, "id": message.conversation_id})
    if header is None:
        raise ConversationNotFoundError(message.conversation_id)
    pk, last_seq, head_id, trashed_at, models = header
    if trashed_at is not None:
        raise TrashedError(message.conversation_id)
    if idempotency_key is not None and "\0" in str(idempotency_key):
        raise UsageError("an idempotency key is text without NUL")
    if parent_id is msgspec.UNSET:
        parent_id = head_id
    elif parent_id is not None:
        _require_in(tx, owner, pk, str(parent_id))
    message = msgspec.structs.replace(message, seq=last_seq + 1, parent_id=parent_id)
    columns = message_columns(message)
    columns |= {
        "owner": owner,
        "conversation_pk": pk,
        "idempotency_key": idempotency_key,
    }
    message_pk = insert_message(tx, columns)
    _count(tx, pk, message, columns["created_at"])
    if message.model is not None and message.model not in names_of(models):
        add_model(tx, owner, pk, message.model, names_of(models))
    link_attachments(tx, owner, message_pk, message)
    op: ChangeOp = "start" if message.status == "streaming" else "create"
    changes.record(tx, owner, "message", op, message_pk, message.id, conversation_pk=pk)
    return message


def insert_message(tx: Transaction, columns: dict[str, Any]) -> int:
    """Insert a message's row; its pk. Raises DuplicateError for an id that is taken."""
    try:
        row = tx.row(INSERT_MESSAGE, columns)
    except ConstraintError as error:
        raise DuplicateError(f"message {columns['id']}") from error
    assert row is not None
    return int(row[0])


def update_message(
    tx: Transaction, owner: str, pk: int, message: Message, *, overrides: set[str], op: ChangeOp = "put"
) -> None:
    """Rewrite a message's row in place; the conversation's counters are the caller's business."""
    columns = message_columns(message) | {"owner": owner, "pk": pk, "overrides": names_json(overrides)}
    tx.run(UPDATE_MESSAGE, columns)
    row = tx.row("SELECT conversation_pk FROM message WHERE owner = :owner AND pk = :pk", {"owner": owner, "pk": pk})
    changes.record(tx, owner, "message", op, pk, message.id, conversation_pk=row[0] if row else None)


def link_attachments(tx: Transaction, owner: str, message_pk: int, message: Message) -> None:
    """Note which attachments a message's parts refer to."""
    for part in message.parts:
        if isinstance(part, AttachmentRef) and part.attachment_id is not None:
            tx.run(
                "INSERT INTO message_attachment (owner, message_pk, attachment_pk)"
                " SELECT owner, :message_pk, pk FROM attachment WHERE owner = :owner AND id = :id"
                " ON CONFLICT DO NOTHING",
                {"owner": owner, "message_pk": message_pk, "id": part.attachment_id},
            )


def add_model(tx: Transaction, owner: str, conversation_pk: int, model: str, known: tuple[str, ...]) -> None:
    """Note that a model speaks in a conversation."""
    key = {"owner": owner, "model": model, "pk": conversation_pk}
    tx.run(
        "INSERT INTO conversation_model (owner, model, conversation_pk) VALUES (:owner, :model, :pk)"
        " ON CONFLICT DO NOTHING",
        key,
    )
    tx.run(
        "UPDATE conversation SET models = :models WHERE owner = :owner AND pk = :pk",
        {"owner": owner, "pk": conversation_pk, "models": encode_json(sorted({*known, model}))},
    )


def _count(tx: Transaction, pk: int, message: Message, at: int) -> None:
    params: dict[str, Any] = {
        "pk": pk,
        "seq": message.seq,
        "head_id": message.id,
        "preview": preview_of(message),
        "at": at,
    }
    if message.usage is None and message.cost_nanos is None:
        tx.run(_COUNT_PLAIN, params)
        return
    usage = message.usage or _NO_USAGE
    params |= {
        "input": usage.input,
        "output": usage.output,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "reasoning": usage.reasoning,
        "cost": message.cost_nanos,
    }
    tx.run(_COUNT_PRICED, params)


def earlier_message(
    tx: Transaction, owner: str, message: Message, key: str, files: tuple[Attachment, ...] = ()
) -> Message | None:
    """The message that this idempotency key was used for before in the conversation, in the trash or not; or None.

    Raises:
        DuplicateError: It has other content.
    """
    row = tx.row(
        "SELECT m.body FROM conversation AS c JOIN message AS m ON m.owner = c.owner AND m.conversation_pk = c.pk"
        " AND m.idempotency_key = :key WHERE c.owner = :owner AND c.id = :id",
        {"owner": owner, "id": message.conversation_id, "key": key},
    )
    if row is None:
        return None
    earlier = decode_message(row[0])
    if earlier.status != "streaming" and not _is_same(tx, owner, earlier, message, files):
        raise DuplicateError(f"a message with idempotency key {key!r} and other content")
    return earlier


def _is_same(tx: Transaction, owner: str, earlier: Message, message: Message, files: tuple[Attachment, ...]) -> bool:
    """Whether two messages say the same; parts that became files are compared by their bytes."""
    parts = earlier.parts
    if files:
        sha256s = {file.id: file.sha256 for file in files}
        pairs = zip(earlier.parts, message.parts, strict=False)
        parts = tuple(
            msgspec.structs.replace(old, attachment_id=new.attachment_id)
            if isinstance(old, AttachmentRef)
            and isinstance(new, AttachmentRef)
            and new.attachment_id in sha256s
            and sha256s[new.attachment_id] == _sha256_of(tx, owner, old.attachment_id)
            else old
            for old, new in pairs
        )
    return (earlier.role, len(earlier.parts), parts) == (message.role, len(message.parts), message.parts)


def _sha256_of(tx: Transaction, owner: str, attachment_id: str | None) -> str | None:
    row = tx.row(
        "SELECT sha256 FROM attachment WHERE owner = :owner AND id = :id", {"owner": owner, "id": attachment_id}
    )
    return None if row is None else row[0]


def _require_in(tx: Transaction, owner: str, pk: int, id: str) -> None:
    if not tx.row(
        "SELECT 1 FROM message WHERE owner = :owner AND id = :id AND conversation_pk = :pk",
        {"owner": owner, "id": id, "pk": pk},
    ):
        raise MessageNotFoundError(id)
