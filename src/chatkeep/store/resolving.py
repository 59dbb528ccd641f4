"""What a person means by an id that she typed."""

from __future__ import annotations

from chatkeep.errors import AmbiguousIdError, ConversationNotFoundError
from chatkeep.store.engine import Transaction

MIN_CHARS = 3


def resolve(tx: Transaction, owner: str, text: str) -> str:
    """An id, a source's id, or a unique beginning or end of an id, of a conversation in the trash or not.

    Exact ids win over everything else. A source's id stands beside shortened ones and not before them: a hostile file
    could hold ids that look like the beginning of ours.

    Raises:
        ConversationNotFoundError, AmbiguousIdError: As they say.
    """
    key = {"owner": owner, "text": text}
    if tx.row("SELECT 1 FROM conversation WHERE owner = :owner AND id = :text", key):
        return text
    found = tx.rows("SELECT id FROM conversation WHERE owner = :owner AND source_id = :text LIMIT 2", key)
    plain = text.lower()
    if len(plain) >= MIN_CHARS and not set(plain) - set("0123456789abcdef-"):
        found += tx.rows(
            "SELECT id FROM conversation WHERE owner = :owner AND id >= :text AND id < :end LIMIT 2",
            {"owner": owner, "text": plain, "end": plain + "~"},
        )
        found = found or tx.rows(
            "SELECT id FROM conversation WHERE owner = :owner AND id LIKE '%' || :text LIMIT 2",
            {"owner": owner, "text": plain},
        )
    matches = tuple(dict.fromkeys(str(row[0]) for row in found))
    if not matches:
        short = len(plain) < MIN_CHARS
        raise ConversationNotFoundError(text, hint=f"give at least {MIN_CHARS} characters" if short else "")
    if len(matches) > 1:
        raise AmbiguousIdError(text, matches)
    return matches[0]
