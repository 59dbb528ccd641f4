"""The schema of a store: what is there, what is known, and the way from one to the other.

All pending migrations run in one transaction together with their record and the schema version, so a crash leaves the
old schema or the new one. The caller holds the turn of all processes.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import apsw

from chatkeep.errors import StoreCorruptError, StoreForeignError, StoreNewerError
from chatkeep.store.sqlite.connections import PAGE_SIZE

APPLICATION_ID: Final = 0x43484B50
"""Marks our files in SQLite's header: ``CHKP``."""

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_ROWS_MAY_CHANGE = re.compile(r"^-- rows may change: ([a-z0-9_, ]+)$", re.MULTILINE)

_RECORD_TABLE: Final = """
CREATE TABLE IF NOT EXISTS migration (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT
"""

# Plain files beside this module in every kind of installation; importlib.resources would cost 8 ms at each start.
_MIGRATIONS: Final = Path(__file__).parent / "migrations"

BeforeMigration = Callable[[int, int], None]
"""Called with the found and the wanted schema version before an existing store is changed; raising stops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Tells whether a step that ran once is still the step in this program."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def may_change_rows_of(self) -> frozenset[str]:
        """Tables whose number of rows may differ afterwards, from lines like ``-- rows may change: a, b``."""
        found = _ROWS_MAY_CHANGE.findall(self.sql)
        return frozenset(name.strip() for names in found for name in names.split(",") if name.strip())


@cache
def known_migrations() -> tuple[Migration, ...]:
    """The steps that this program knows, in order, numbered from 1 without gaps."""
    found = []
    for file in _MIGRATIONS.iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match:
            sql = file.read_bytes().decode("utf-8").replace("\r\n", "\n")
            found.append(Migration(number=int(match[1]), name=match[2], sql=sql))
    found.sort(key=lambda migration: migration.number)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    return tuple(found)


def version_of(connection: apsw.Connection) -> int:
    """The schema version that the database carries now."""
    return int(connection.execute("PRAGMA user_version").get)


def prepare(
    connection: apsw.Connection, *, migrations: Sequence[Migration], before_migration: BeforeMigration | None
) -> None:
    """Create the store, or bring it to the newest known schema, or refuse it untouched.

    Raises:
        StoreForeignError: The database is not a store.
        StoreNewerError: A newer program has changed it.
        StoreCorruptError: A step that ran once is not the one that this program knows.
    """
    known = migrations[-1].number
    if version_of(connection) == 0 and not connection.execute("SELECT count(*) FROM sqlite_schema").get:
        _mark(connection)
    elif connection.execute("PRAGMA application_id").get != APPLICATION_ID:
        raise StoreForeignError(f"{connection.filename}: this database was not made by Chatkeep; it was not touched")
    found = version_of(connection)
    if found > known:
        raise StoreNewerError(found, known)
    if connection.execute("PRAGMA journal_mode").get != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    if found:
        _compare_record(connection, migrations[:found])
    if found < known:
        if found and before_migration is not None:
            before_migration(found, known)
        _migrate(connection, migrations[found:])


def _mark(connection: apsw.Connection) -> None:
    # Before the switch to WAL, so that the mark is in the main file from its first byte on: a look at that file alone
    # tells whose it is. Whoever made it only so far goes on from here.
    if connection.execute("PRAGMA journal_mode").get != "wal":
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _compare_record(connection: apsw.Connection, expected: Sequence[Migration]) -> None:
    recorded = {row[0]: row[1] for row in connection.execute("SELECT number, sha256 FROM migration")}
    for migration in expected:
        if recorded.get(migration.number) != migration.sha256:
            raise StoreCorruptError(
                f"{connection.filename}: its schema was made by another text of migration {migration.number}"
                f" ({migration.name}): use the program that made it, or restore a backup into a new store"
            )


def _migrate(connection: apsw.Connection, pending: Sequence[Migration]) -> None:
    execute = connection.execute
    # Rebuilding a table drops the old one, which would cascade; the references are checked as a whole instead.
    execute("PRAGMA foreign_keys = OFF")
    try:
        execute("BEGIN IMMEDIATE")
        _run(connection, pending)
        execute("COMMIT")
    finally:
        if connection.in_transaction:
            execute("ROLLBACK")
        execute("PRAGMA foreign_keys = ON")


def _run(connection: apsw.Connection, pending: Sequence[Migration]) -> None:
    counts = _row_counts(connection)
    connection.execute(_RECORD_TABLE)
    now = time.time_ns() // 1_000
    for migration in pending:
        connection.execute(migration.sql)
        connection.execute(
            "INSERT INTO migration (number, name, sha256, applied_at) VALUES (?, ?, ?, ?)",
            (migration.number, migration.name, migration.sha256, now),
        )
    _refuse_losses(connection, pending, counts)
    if pending[0].number == 1:
        _introduce(connection, now)
    connection.execute(f"PRAGMA user_version = {pending[-1].number}")


def _introduce(connection: apsw.Connection, now: int) -> None:
    connection.execute(
        "INSERT INTO store (one, store_id, epoch, purge_key, created_at) VALUES (1, ?, ?, ?, ?)",
        (os.urandom(16).hex(), os.urandom(16).hex(), os.urandom(32), now),
    )


def _row_counts(connection: apsw.Connection) -> dict[str, int]:
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    counted = {}
    for (name,) in names:
        quoted = str(name).replace('"', '""')
        counted[str(name)] = int(connection.execute(f'SELECT count(*) FROM "{quoted}"').get)  # quoted
    return counted


def _refuse_losses(connection: apsw.Connection, pending: Sequence[Migration], before: dict[str, int]) -> None:
    allowed = frozenset[str]().union(*(migration.may_change_rows_of for migration in pending)) | {"migration"}
    after = _row_counts(connection)
    for table, count in before.items():
        if table in after and table not in allowed and after[table] != count:
            raise StoreCorruptError(
                f"{connection.filename}: the migration would change {table} from {count} to {after[table]} rows;"
                " it was undone, the store is as before: please report this"
            )
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise StoreCorruptError(
            f"{connection.filename}: {len(broken)} references lead nowhere after the migration (first: table"
            f" {broken[0][0]}); it was undone, the store is as before: run check"
        )
