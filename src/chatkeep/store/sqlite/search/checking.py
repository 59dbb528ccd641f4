"""Whether the index holds exactly what the store's rows say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

import apsw

from chatkeep.store.engine import Engine
from chatkeep.store.sqlite.search import batch
from chatkeep.store.sqlite.search.batch import Entry

MAX_LINES = 20

_WORD = re.compile(r"[0-9a-zA-Z\x80-\U0010ffff]+")
_SIZES = (
    "SELECT d.pk, d.digest, s.sz FROM json_each(?) AS j CROSS JOIN doc AS d ON d.pk = j.value"
    " LEFT JOIN fts_docsize AS s ON s.id = d.pk"
)
_PAGE = "SELECT pk FROM doc WHERE pk > ? ORDER BY pk LIMIT 1000"


def problems(engine: Engine, connection: apsw.Connection, catch_up: Callable[[], object]) -> list[str]:
    """What does not fit, a line each, at most a few of one kind; empty if all does.

    Writes may go on meanwhile: what looks wrong is looked at again after catching up.
    """
    catch_up()
    damage = _damage(connection)
    if damage:
        return damage
    suspects = {entry.pk for entry in _wrong(connection, _all_entries(engine))} | set(_surplus(engine, connection))
    if not suspects:
        return []
    catch_up()
    found = _entries_of(engine, sorted(suspects))
    lines = [f"{_name(e.pk)}: the index holds other words, or none" for e in _wrong(connection, found.values())]
    there = {row[0] for row in connection.execute(_SIZES, (json.dumps(sorted(suspects)),))}
    lines += [f"{_name(pk)}: the index holds it, but the store does not" for pk in sorted(there - found.keys())]
    return lines[:MAX_LINES] + ([f"and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else [])


def _damage(connection: apsw.Connection) -> list[str]:
    """What SQLite and FTS5 find wrong in themselves."""
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(10)") if row[0] != "ok"]
    try:
        connection.execute("INSERT INTO fts (fts) VALUES ('integrity-check')")
    except apsw.CorruptError as error:
        found.append(f"the full-text index is damaged: {error}")
    row = connection.execute(
        "SELECT (SELECT count(*) FROM doc), (SELECT count(*) FROM fts_docsize),"
        " (SELECT count(*) FROM doc AS d JOIN fts_docsize AS s ON s.id = d.pk)"
    ).fetchone()
    assert row is not None
    if not row[0] == row[1] == row[2]:
        found.append(f"{row[0]} documents are listed, {row[1]} are in the full-text index, {row[2]} in both")
    return found


def _all_entries(engine: Engine) -> Iterable[Entry]:
    for read in (batch.titles_from, batch.messages_from):
        pk = 0
        while entries := engine.read(lambda tx, read=read, pk=pk: read(tx, pk)):  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
            yield from entries
            pk = abs(entries[-1].pk) + 1


def _entries_of(engine: Engine, pks: list[int]) -> dict[int, Entry]:
    found: dict[int, Entry] = {}
    titles = [-pk for pk in pks if pk < 0]
    rest = [pk for pk in pks if pk > 0]
    for entry in engine.read(lambda tx: batch.titles_of(tx, titles)):
        found[entry.pk] = entry
    while rest:
        entries, rest = engine.read(lambda tx, pks=rest: batch.messages_of(tx, pks))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        found.update((entry.pk, entry) for entry in entries)
    return found


def _wrong(connection: apsw.Connection, entries: Iterable[Entry]) -> Iterable[Entry]:
    """Those whose words are not in the index as they should be."""
    page: list[Entry] = []
    for entry in entries:
        page.append(entry)
        if len(page) == batch.PAGE_ROWS:
            yield from _wrong_of(connection, page)
            page = []
    yield from _wrong_of(connection, page)


def _wrong_of(connection: apsw.Connection, page: list[Entry]) -> list[Entry]:
    rows = connection.execute(_SIZES, (json.dumps([entry.pk for entry in page]),))
    known = {row[0]: (row[1], _first_number(row[2])) for row in rows}
    return [e for e in page if known.get(e.pk) != (e.digest, len(_WORD.findall(e.text)))]


def _surplus(engine: Engine, connection: apsw.Connection) -> Iterable[int]:
    """Documents of the index that the store does not have."""
    last = -(1 << 63)
    while pks := [row[0] for row in connection.execute(_PAGE, (last,))]:
        last = pks[-1]
        there = engine.read(lambda tx, pks=pks: batch.present(tx, pks))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        yield from (pk for pk in pks if pk not in there)


def _first_number(record: bytes | None) -> int | None:
    """The first of SQLite's variable-length integers in a record: FTS5 keeps a document's count of words as one."""
    if record is None:
        return None
    value = 0
    for byte in bytes(record)[:8]:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value


def _name(pk: int) -> str:
    return f"message {pk}" if pk > 0 else f"title of conversation {-pk}"
