"""Finding records by their ids inside a transaction."""

from __future__ import annotations

import msgspec

from chatkeep.errors import ConversationNotFoundError, MessageNotFoundError
from chatkeep.model import Message
from chatkeep.store.chunks import flushed_parts
from chatkeep.store.engine import Transaction
from chatkeep.store.rows import decode_message


def conversation_pk(tx: Transaction, owner: str, id: str) -> int:
    """The key of a conversation, in the trash or not. Raises ConversationNotFoundError."""
    row = tx.row("SELECT pk FROM conversation WHERE owner = :owner AND id = :id", {"owner": owner, "id": id})
    if row is None:
        raise ConversationNotFoundError(id)
    return int(row[0])


def message_row(tx: Transaction, owner: str, id: str) -> tuple[int, Message]:
    """Key and value of a message. Raises MessageNotFoundError."""
    row = tx.row("SELECT pk, body, status FROM message WHERE owner = :owner AND id = :id", {"owner": owner, "id": id})
    if row is None:
        raise MessageNotFoundError(id)
    message = decode_message(row[1])
    if row[2] == "streaming":
        message = msgspec.structs.replace(message, parts=flushed_parts(tx, row[0]))
    return int(row[0]), message
