"""What `check` reads: rows beside what they should be, in pages."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chatkeep.store.engine import Row, Transaction
from chatkeep.store.rows import decode_message, message_columns

PAGE: Final = 500

_MESSAGE_COLUMNS: Final = (
    "seq",
    "id",
    "parent_id",
    "role",
    "model",
    "status",
    "hidden",
    "rating",
    "created_at",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_nanos",
    "source_format",
    "source_scope",
    "source_id",
)
MESSAGE_SQL = (
    f"SELECT m.pk, m.id, m.body, c.id, p.seq, {', '.join(f'm.{name}' for name in _MESSAGE_COLUMNS)} FROM message AS m"
    " LEFT JOIN conversation AS c ON c.owner = m.owner AND c.pk = m.conversation_pk"
    " LEFT JOIN message AS p ON p.owner = m.owner AND p.id = m.parent_id AND p.conversation_pk = m.conversation_pk"
    # The owner as an expression: over an index of owners each page would read all of the owner's messages.
    " WHERE m.owner || '' = :owner AND m.pk > :after ORDER BY m.pk LIMIT :size"
)


def message_page(tx: Transaction, owner: str, after: int) -> list[Row]:
    """Messages behind a key, each with its body, its conversation, its parent's place and its columns."""
    return tx.rows(MESSAGE_SQL, {"owner": owner, "after": after, "size": PAGE})


def message_problems(row: Row) -> list[tuple[str, str]]:
    """What is wrong with a message of :func:`message_page`: code and description."""
    _, _, body, conversation_id, parent_seq, *columns = row
    try:
        message = decode_message(body)
    except msgspec.MsgspecError as error:
        return [("message-unreadable", f"its body cannot be decoded: {error}")]
    found: list[tuple[str, str]] = []
    expected: dict[str, Any] = message_columns(message) | {"conversation": message.conversation_id}
    stored = dict(zip(_MESSAGE_COLUMNS, columns, strict=True)) | {"conversation": conversation_id}
    wrong = [name for name, value in stored.items() if expected[name] != value]
    if wrong:
        found.append(("message-columns", f"columns differ from its body: {', '.join(wrong)}"))
    if message.parent_id is not None and (parent_seq is None or parent_seq >= message.seq):
        found.append(("message-parent", "its parent is not before it in its conversation"))
    return found


def conversation_page(tx: Transaction, owner: str, after: int) -> list[Row]:
    """Keys and ids of conversations behind a key."""
    return tx.rows(
        "SELECT pk, id FROM conversation WHERE owner = :owner AND pk > :after ORDER BY pk LIMIT :size",
        {"owner": owner, "after": after, "size": PAGE},
    )


def attachment_page(tx: Transaction, owner: str, after: int) -> list[Row]:
    """Key, id, SHA-256 and size of attachments behind a key."""
    return tx.rows(
        "SELECT pk, id, sha256, size_bytes FROM attachment WHERE owner = :owner AND pk > :after"
        " ORDER BY pk LIMIT :size",
        {"owner": owner, "after": after, "size": PAGE},
    )


def is_named(tx: Transaction, sha256: str) -> bool:
    """Whether an attachment of any owner names these bytes."""
    return tx.row("SELECT 1 FROM attachment WHERE sha256 = :sha256 LIMIT 1", {"sha256": sha256}) is not None


def expect_again(tx: Transaction, owner: str, attachment_pk: int) -> None:
    """Let imports read the conversations of an attachment again that they would pass over as known."""
    tx.run(
        "UPDATE conversation SET source_digest = NULL WHERE owner = :owner AND pk IN"
        " (SELECT m.conversation_pk FROM message_attachment AS l JOIN message AS m ON m.owner = l.owner"
        " AND m.pk = l.message_pk WHERE l.owner = :owner AND l.attachment_pk = :pk)",
        {"owner": owner, "pk": attachment_pk},
    )
