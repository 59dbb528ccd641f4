"""The tables of a `chats.db`, read by column name: thirty schema versions differ in which columns there are.

Nothing here trusts the file: views and virtual tables do not count as tables (they run code of the file's maker),
columns are those that the table has, and text that is not UTF-8 is read all the same.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable
from typing import Any

import apsw

from chatkeep.formats.values import Problems

Row = dict[str, Any]

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
# Statements with this many values stay far below SQLite's limits and keep the memory of one answer small.
_BATCH = 500


def quoted(name: str) -> str:
    """A name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def key_of(column: str) -> str:
    """An expression for an id as bytes: ids are compared exactly, and need not be text, or UTF-8."""
    return f"CAST(CAST(t.{quoted(column)} AS TEXT) AS BLOB)"


class Tables:
    """What can be read of one database, as dictionaries by lower-case column name."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        names = [str(row[0]) for row in connection.execute(_TABLES)]
        self._columns = {name.lower(): self._columns_of(name) for name in names}
        self._groups: dict[str, dict[bytes, array[int]]] = {}

    def _columns_of(self, table: str) -> tuple[str, ...]:
        return tuple(str(row[1]) for row in self._connection.execute(f"PRAGMA table_info({quoted(table)})"))

    def names(self) -> list[str]:
        """Lower-case names of all tables but SQLite's own, sorted."""
        return sorted(name for name in self._columns if not name.startswith("sqlite_"))

    def columns(self, table: str) -> frozenset[str]:
        """Lower-case names of the columns that the table has; empty if it is not there."""
        return frozenset(name.lower() for name in self._columns.get(table, ()))

    def count(self, table: str, where: str = "1") -> int:
        """How many rows satisfy ``where``; 0 if the table is not there."""
        if table not in self._columns:
            return 0
        return int(self._value(f"SELECT count(*) FROM {quoted(table)} AS t WHERE {where}"))  # noqa: S608  # names of ours

    def _value(self, sql: str) -> Any:
        row = next(iter(self._connection.execute(sql)), None)
        return None if row is None else row[0]

    def version(self) -> int | None:
        """The highest applied migration; None for a file without the app's ledger."""
        if not {"version", "success"} <= self.columns("_sqlx_migrations"):
            return None
        found = self._value("SELECT max(version) FROM _sqlx_migrations WHERE success")
        return found if isinstance(found, int) else None

    def rows(
        self, table: str, where: str, values: tuple[Any, ...] = (), *, problems: Problems | None = None
    ) -> list[Row]:
        """The rows that satisfy ``where``, in the order they were inserted; none if the table is not there.

        Bytes, and text that is not UTF-8, come as text with U+FFFD for what cannot be read, noted in ``problems``.
        """
        names = self._columns.get(table, ())
        if not names:
            return []
        tail = f" FROM {quoted(table)} AS t WHERE {where} ORDER BY t.rowid"
        keys = [name.lower() for name in names]
        try:
            plain = ", ".join(f"t.{quoted(name)}" for name in names)
            found = list(self._connection.execute(f"SELECT {plain}{tail}", values))
        except UnicodeDecodeError:
            cast = ", ".join(
                f"CASE typeof(t.{q}) WHEN 'text' THEN CAST(t.{q} AS BLOB) ELSE t.{q} END" for q in map(quoted, names)
            )
            found = list(self._connection.execute(f"SELECT {cast}{tail}", values))
        return [dict(zip(keys, self._without_bytes(row, keys, table, problems), strict=True)) for row in found]

    @staticmethod
    def _without_bytes(row: Any, keys: list[str], table: str, problems: Problems | None) -> Iterable[Any]:
        if bytes not in map(type, row):
            return row  # type: ignore[no-any-return]  # a row of the driver
        return [_as_text(value, table, key, problems) for key, value in zip(keys, row, strict=True)]

    def where_in(self, table: str, column: str, keys: Iterable[str], *, problems: Problems | None = None) -> list[Row]:
        """The rows whose ``column`` is one of ``keys``, for a column that begins an index of the table."""
        if column not in self.columns(table):
            return []
        return self._batches(table, f"t.{quoted(column)}", list(keys), problems)

    def of_chat(self, table: str, key: bytes, *, problems: Problems | None = None) -> list[Row]:
        """The rows of one chat, in the order they were inserted.

        Most versions of the schema have no index on the chat: one pass over the table at the first call notes which
        rows are whose, so that reading every chat stays linear.
        """
        if "chat_id" not in self.columns(table):
            return []
        if table not in self._groups:
            groups: dict[bytes, array[int]] = {}
            sql = f"SELECT {key_of('chat_id')}, t.rowid FROM {quoted(table)} AS t ORDER BY t.rowid"  # noqa: S608  # names are quoted
            for owner, rowid in self._connection.execute(sql):
                groups.setdefault(owner, array("q")).append(rowid)
            self._groups[table] = groups
        return self._batches(table, "t.rowid", self._groups[table].get(key, ()), problems)

    def _batches(self, table: str, column: str, keys: Any, problems: Problems | None) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(keys), _BATCH):
            batch = json.dumps(list(keys[start : start + _BATCH]))
            chosen = f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608  # a quoted name
            found += self.rows(table, chosen, (batch,), problems=problems)
        return found

    def chats(self) -> list[tuple[int, bytes | None]]:
        """Rowid and key of every chat, oldest row first."""
        if "id" not in self.columns("chats"):
            return []
        sql = f"SELECT t.rowid, {key_of('id')} FROM chats AS t ORDER BY t.rowid"  # noqa: S608  # names of ours
        return list(self._connection.execute(sql))


def _as_text(value: Any, table: str, column: str, problems: Problems | None) -> Any:
    if not isinstance(value, bytes):
        return value
    text = value.decode("utf-8", "replace")
    if problems is not None and "\ufffd" in text:
        problems.add(f"{table}.{column}", "not UTF-8: what cannot be read was replaced")
    return text
