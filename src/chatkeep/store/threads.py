"""The thread that is shown: the walk from the head to the root."""

from __future__ import annotations

from chatkeep.errors import ConversationNotFoundError, MessageNotFoundError
from chatkeep.model import Message
from chatkeep.store.engine import Transaction
from chatkeep.store.rows import decode_messages

_HEADER = (
    "SELECT c.pk, coalesce(:wanted, c.head_id), m.seq FROM conversation AS c"
    " LEFT JOIN message AS m ON m.owner = c.owner AND m.id = coalesce(:wanted, c.head_id) AND m.conversation_pk = c.pk"
    " WHERE c.owner = :owner AND c.id = :id"
)


def walk(
    tx: Transaction, owner: str, conversation_id: str, wanted: str | None, below: int | None, size: int
) -> tuple[list[Message], str | None, int | None]:
    """One page of the walk to the root: messages found, the next parent wanted, and the seq to go on below.

    A parent's seq is below its child's, so one pass over falling seqs meets every parent in turn; in an unbranched
    conversation each row read is one of the thread.
    """
    header = tx.row(_HEADER, {"owner": owner, "id": conversation_id, "wanted": wanted})
    if header is None:
        raise ConversationNotFoundError(conversation_id)
    pk, start_id, start_seq = header
    wanted = start_id
    if wanted is None:
        return [], None, None
    if below is None:
        if start_seq is None:
            raise MessageNotFoundError(wanted)
        below = start_seq + 1
    rows = tx.rows(
        "SELECT body FROM message WHERE owner = :owner AND conversation_pk = :pk AND seq < :below"
        " ORDER BY seq DESC LIMIT :size",
        {"owner": owner, "pk": pk, "below": below, "size": size},
    )
    found: list[Message] = []
    messages = decode_messages([body for (body,) in rows])
    for message in messages:
        if message.id == wanted:
            found.append(message)
            wanted = message.parent_id
            if wanted is None:
                break
    return found, wanted, messages[-1].seq if messages and len(messages) == size else None
