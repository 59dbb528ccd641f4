"""What a person means by an id that she typed."""

from __future__ import annotations

from chatkeep.errors import AmbiguousIdError, ConversationNotFoundError
from chatkeep.store.engine import Transaction

MIN_CHARS = 3


def resolve(tx: Transaction, owner: str, text: str) -> str:
    """An id, a source's id, or a unique beginning or end of an id, of a conversation in the trash or not.

    Exact ids win over shortened ones, so a hostile source id cannot stand in front of ours.

    Raises:
        ConversationNotFoundError, AmbiguousIdError: As they say.
    """
    key = {"owner": owner, "text": text}
    if tx.row("SELECT 1 FROM conversation WHERE owner = :owner AND id = :text", key):
        return text
    found = tx.rows("SELECT id FROM conversation WHERE owner = :owner AND source_id = :text LIMIT 2", key)
    plain = text.lower()
    if not found and len(plain) >= MIN_CHARS and not set(plain) - set("0123456789abcdef-"):
        found = tx.rows(
            "SELECT id FROM conversation WHERE owner = :owner AND id >= :text AND id < :end LIMIT 2",
            {"owner": owner, "text": plain, "end": plain + "~"},
        ) or tx.rows(
            "SELECT id FROM conversation WHERE owner = :owner AND substr(id, -length(:text)) = :text LIMIT 2",
            {"owner": owner, "text": plain},
        )
    if not found:
        raise ConversationNotFoundError(text)
    if len(found) > 1:
        raise AmbiguousIdError(text, tuple(row[0] for row in found))
    return str(found[0][0])
