"""Tags: names that conversations carry; equal but for case means the same tag."""

from __future__ import annotations

from collections.abc import Iterable

from chatkeep.encoding import clean_text
from chatkeep.errors import UsageError
from chatkeep.model import Tag, new_id, to_us, utc_now
from chatkeep.store import changes
from chatkeep.store.engine import Engine, Transaction

MAX_CHARS = 200
MAX_TAGS = 1_000
"""Of one conversation: a list of conversations carries the tags of each."""


class Tags:
    """The tags of one owner."""

    def __init__(self, engine: Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def list(self) -> list[Tag]:
        """All tags by name, with how many conversations outside the trash carry each."""
        rows = self._engine.read(
            lambda tx: tx.rows(
                "SELECT t.name, count(c.pk) FROM tag AS t"
                " LEFT JOIN conversation_tag AS l ON l.owner = t.owner AND l.tag_pk = t.pk"
                " LEFT JOIN conversation AS c"
                " ON c.owner = t.owner AND c.pk = l.conversation_pk AND c.trashed_at IS NULL"
                " WHERE t.owner = :owner GROUP BY t.pk, t.name ORDER BY t.name",
                {"owner": self._owner},
            )
        )
        return [Tag(name=name, count=count) for name, count in rows]


def ensure(tx: Transaction, owner: str, names: Iterable[str]) -> dict[str, int]:
    """Make the tags that are not there yet; stored name -> pk. A tag keeps the spelling that it was made with."""
    stored: dict[str, int] = {}
    plain_names = sorted({plain_name(name) for name in names})
    if len(plain_names) > MAX_TAGS:
        raise UsageError(f"a conversation carries at most {MAX_TAGS} tags")
    for plain in plain_names:
        key = {"owner": owner, "name_key": plain.casefold()}
        row = tx.row("SELECT name, pk FROM tag WHERE owner = :owner AND name_key = :name_key", key)
        if row is None:
            id = new_id()
            row = tx.row(
                "INSERT INTO tag (owner, id, name, name_key, created_at) VALUES (:owner, :id, :name, :name_key, :at)"
                " RETURNING name, pk",
                key | {"id": id, "name": plain, "at": to_us(utc_now())},
            )
            if row is not None:
                changes.record(tx, owner, "tag", "create", row[1], id)
        if row is not None:
            stored[row[0]] = row[1]
    return stored


def plain_name(name: str) -> str:
    """A tag's name as it is stored. Raises UsageError for what is none."""
    if not isinstance(name, str):
        raise UsageError(f"a tag is text, not {type(name).__name__}")
    plain = clean_text(name.strip())[0]
    if not plain or len(plain) > MAX_CHARS:
        raise UsageError(f"a tag has between 1 and {MAX_CHARS} characters: {plain[:40]!r}")
    return plain


def name_key(name: str) -> str:
    """What tags are compared by, whether a tag may be called so or not."""
    return clean_text(name.strip())[0].casefold()
