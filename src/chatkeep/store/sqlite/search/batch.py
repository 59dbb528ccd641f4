"""A batch of documents on its way into the index: read from the store in pages, written in one transaction."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw

from chatkeep.model import ROLES
from chatkeep.store.engine import Row, Transaction
from chatkeep.store.search.document import IS_HIDDEN, documents
from chatkeep.store.search.tokens import prepare
from chatkeep.store.sqlite.search.schema import BLOCK_BITS

PAGE_ROWS = 1_000
PAGE_BYTES = 16 << 20
"""Of bodies held at once; one message more than that is read alone."""

_ROLE_NUMBERS = {role: number for number, role in enumerate(ROLES)}
TITLE_ROLE = -1

_SIZES_OF = (
    "SELECT m.pk, octet_length(m.body) FROM json_each(:pks) AS j CROSS JOIN message AS m ON m.pk = j.value"
    " WHERE m.status <> 'streaming' ORDER BY m.pk"
)
_SIZES_FROM = (
    "SELECT pk, octet_length(body) FROM message WHERE pk >= :pk AND status <> 'streaming' ORDER BY pk LIMIT :limit"
)
_MESSAGES = (
    "SELECT pk, conversation_pk, owner, created_at, role, model, hidden, body FROM message"
    " WHERE pk IN (SELECT value FROM json_each(:pks)) AND status <> 'streaming' ORDER BY pk"
)
_TITLES_OF = (
    "SELECT pk, owner, created_at, title FROM conversation WHERE pk IN (SELECT value FROM json_each(:pks))"
    " AND title IS NOT NULL AND title <> ''"
)
_TITLES_FROM = (
    "SELECT pk, owner, created_at, title FROM conversation WHERE pk >= :pk AND title IS NOT NULL AND title <> ''"
    " ORDER BY pk LIMIT :limit"
)

_PRESENT_MESSAGES = (
    "SELECT m.pk FROM json_each(:pks) AS j CROSS JOIN message AS m ON m.pk = j.value WHERE m.status <> 'streaming'"
)
_PRESENT_TITLES = (
    "SELECT -c.pk FROM json_each(:pks) AS j CROSS JOIN conversation AS c ON c.pk = -j.value"
    " WHERE c.title IS NOT NULL AND c.title <> ''"
)


class Entry(NamedTuple):
    """A document as the index takes it; names are turned into numbers when it is written."""

    pk: int
    conversation_pk: int
    owner: str
    created_at: int
    role: int
    model: str | None
    flags: int
    digest: int
    text: str


def messages_of(tx: Transaction, pks: Sequence[int]) -> tuple[list[Entry], list[int]]:
    """Documents of these messages, without those that are gone; and which ones did not fit the page any more."""
    sizes = tx.rows(_SIZES_OF, {"pks": json.dumps(pks)})
    entries = _messages(tx, sizes)
    return entries, [row[0] for row in sizes[len(entries) :]]


def messages_from(tx: Transaction, pk: int) -> list[Entry]:
    """A page of documents of messages from ``pk`` on, in the order of their pks."""
    return _messages(tx, tx.rows(_SIZES_FROM, {"pk": pk, "limit": PAGE_ROWS}))


def titles_of(tx: Transaction, pks: Sequence[int]) -> list[Entry]:
    """Documents of the titles of these conversations; those without one are left out."""
    return [_title(row) for row in tx.rows(_TITLES_OF, {"pks": json.dumps(pks)})]


def titles_from(tx: Transaction, pk: int) -> list[Entry]:
    """A page of documents of titles of conversations from ``pk`` on."""
    return [_title(row) for row in tx.rows(_TITLES_FROM, {"pk": pk, "limit": PAGE_ROWS})]


def present(tx: Transaction, pks: Sequence[int]) -> set[int]:
    """Those of these numbers whose message or title is there and belongs in the index."""
    given = json.dumps(pks)
    messages = tx.rows(_PRESENT_MESSAGES, {"pks": given})
    return {row[0] for row in messages} | {row[0] for row in tx.rows(_PRESENT_TITLES, {"pks": given})}


def _messages(tx: Transaction, sizes: list[Row]) -> list[Entry]:
    pks: list[int] = []
    total = 0
    for pk, size in sizes:
        total += size
        if pks and total > PAGE_BYTES:
            break
        pks.append(pk)
    rows = tx.rows(_MESSAGES, {"pks": json.dumps(pks)})
    found = documents([row[7] for row in rows])
    return [
        _entry(pk, conversation_pk, owner, created_at, _ROLE_NUMBERS.get(role, 0), model, hidden, text, flags)
        for (pk, conversation_pk, owner, created_at, role, model, hidden, _), (text, flags) in zip(
            rows, found, strict=True
        )
    ]


def _entry(
    pk: int,
    conversation_pk: int,
    owner: str,
    created_at: int,
    role: int,
    model: str | None,
    hidden: int,
    text: str,
    flags: int,
) -> Entry:
    prepared = prepare(text)
    return Entry(
        pk,
        conversation_pk,
        owner,
        created_at,
        role,
        model,
        flags | IS_HIDDEN if hidden else flags,
        zlib.crc32(prepared.encode()),
        prepared,
    )


def _title(row: Row) -> Entry:
    pk, owner, created_at, title = row
    return _entry(-pk, pk, owner, created_at, TITLE_ROLE, None, 0, title, 0)


class Batch:
    """What one transaction writes: documents to put, numbers of documents to take out."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.gone: set[int] = set()
        self.size_bytes = 0

    def put(self, entries: Iterable[Entry]) -> None:
        """Add documents, or newer versions of them."""
        for entry in entries:
            self.entries[entry.pk] = entry
            self.gone.discard(entry.pk)
            self.size_bytes += len(entry.text)

    def drop(self, pks: Iterable[int]) -> None:
        """Take documents out, if they are there."""
        for pk in pks:
            self.entries.pop(pk, None)
            self.gone.add(pk)

    def write(self, connection: apsw.Connection) -> None:
        """Write all of it; the caller holds the transaction."""
        known = _known(connection, [*self.entries, *self.gone])
        owners, models = _Names(connection, "owner"), _Names(connection, "model")
        # Ascending numbers: FTS5 writes a segment each time that they go down.
        rows = [
            (e.pk, e.conversation_pk, owners[e.owner], e.created_at, e.role, models[e.model], e.flags, e.digest)
            for _, e in sorted(self.entries.items())
        ]
        changed = [row for row in rows if known.get(row[0]) != row]
        outdated = [(row[0],) for row in changed if row[0] in known]
        outdated += [(pk,) for pk in sorted(self.gone) if pk in known]
        if outdated:
            connection.execute("UPDATE state SET deleted = 1")
        connection.executemany("DELETE FROM fts WHERE rowid = ?", outdated)
        connection.executemany("DELETE FROM doc WHERE pk = ?", outdated)
        connection.executemany(
            "INSERT INTO doc (pk, conversation_pk, owner, created_at, role, model, flags, digest)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            changed,
        )
        entries = self.entries
        connection.executemany(
            "INSERT INTO fts (rowid, text) VALUES (?, ?)", [(row[0], entries[row[0]].text) for row in changed]
        )
        _widen_blocks(connection, [(row[0], row[3]) for row in changed])


_DocRow = tuple[int, int, int, int, int, int, int, int]


def _known(connection: apsw.Connection, pks: list[int]) -> dict[int, _DocRow]:
    """The rows of those of these documents that are there; quick when all of them are new."""
    bounds = connection.execute("SELECT min(pk), max(pk) FROM doc").fetchone()
    if bounds is None or bounds[0] is None:
        return {}
    lowest, highest = int(bounds[0]), int(bounds[1])
    there = [pk for pk in pks if lowest <= pk <= highest]
    if not there:
        return {}
    rows = connection.execute(
        "SELECT d.pk, d.conversation_pk, d.owner, d.created_at, d.role, d.model, d.flags, d.digest"
        " FROM json_each(?) AS j CROSS JOIN doc AS d ON d.pk = j.value",
        (json.dumps(there),),
    )
    return {row[0]: row for row in rows}


class _Names(dict[str | None, int]):
    """Name -> its small number in a table, given when it is first met."""

    def __init__(self, connection: apsw.Connection, table: str) -> None:
        super().__init__({None: 0})
        self._connection = connection
        self._insert = (
            f"INSERT INTO {table} (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id"
        )

    def __missing__(self, name: str | None) -> int:
        row = self._connection.execute(self._insert, (name,)).fetchone()
        assert row is not None
        number = self[name] = int(row[0])
        return number


def _widen_blocks(connection: apsw.Connection, times: list[tuple[int, int]]) -> None:
    blocks: dict[int, tuple[int, int]] = {}
    for pk, at in times:
        n = pk >> BLOCK_BITS
        oldest, newest = blocks.get(n, (at, at))
        blocks[n] = (min(oldest, at), max(newest, at))
    connection.executemany(
        "INSERT INTO block (n, oldest, newest) VALUES (?, ?, ?) ON CONFLICT (n) DO UPDATE"
        " SET oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)",
        [(n, oldest, newest) for n, (oldest, newest) in blocks.items()],
    )
