"""The thread that is shown: the walk from the head to the root."""

from __future__ import annotations

from chatkeep.errors import ConversationNotFoundError, MessageNotFoundError
from chatkeep.model import Message
from chatkeep.store.engine import Transaction
from chatkeep.store.rows import decode_messages


def walk(
    tx: Transaction, owner: str, conversation_id: str, wanted: str | None, below: int | None, size: int
) -> tuple[list[Message], str | None, int | None]:
    """One page of the walk to the root: messages found, the next parent wanted, and the seq to go on below.

    A parent's seq is below its child's, so one pass over falling seqs meets every parent in turn; in an unbranched
    conversation each row read is one of the thread.
    """
    header = tx.row(
        "SELECT pk, head_id FROM conversation WHERE owner = :owner AND id = :id",
        {"owner": owner, "id": conversation_id},
    )
    if header is None:
        raise ConversationNotFoundError(conversation_id)
    pk, head_id = header
    wanted = wanted or head_id
    if wanted is None:
        return [], None, None
    if below is None:
        row = tx.row(
            "SELECT seq FROM message WHERE owner = :owner AND id = :id AND conversation_pk = :pk",
            {"owner": owner, "id": wanted, "pk": pk},
        )
        if row is None:
            raise MessageNotFoundError(wanted)
        below = row[0] + 1
    rows = tx.rows(
        "SELECT body FROM message WHERE owner = :owner AND conversation_pk = :pk AND seq < :below"
        " ORDER BY seq DESC LIMIT :size",
        {"owner": owner, "pk": pk, "below": below, "size": size},
    )
    found: list[Message] = []
    last: Message | None = None
    for last in decode_messages([row[0] for row in rows]):
        if last.id == wanted:
            found.append(last)
            wanted = last.parent_id
            if wanted is None:
                break
    return found, wanted, last.seq if last is not None and len(rows) == size else None
