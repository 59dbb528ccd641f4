"""The SQLite engine: one database file, used by many threads and processes that take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import apsw

from chatkeep.errors import StoreClosedError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import schema
from chatkeep.store.sqlite.connections import Durability, connect, refuse_unsafe_sqlite, set_up_reader, set_up_writer
from chatkeep.store.sqlite.gate import GatePass
from chatkeep.store.sqlite.readers import Reader, Readers
from chatkeep.store.sqlite.turnstile import Turnstile
from chatkeep.store.sqlite.writer import Writer

T = TypeVar("T")

DATABASE_NAME = "chats.db"


class SqliteEngine:
    """See :class:`chatkeep.store.engine.Engine`."""

    name = "sqlite"

    def __init__(self, directory: Path, writer: Writer, readers: Readers, close: Callable[[], None]) -> None:
        self.directory = directory
        self._writer = writer
        self._readers = readers
        self._close = close
        self._closed = False

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        read_only: bool = False,
        durability: Durability = "full",
        before_migration: schema.BeforeMigration | None = None,
        migrations: Sequence[schema.Migration] | None = None,
        vfs: str | None = None,
    ) -> SqliteEngine:
        """Open the store in ``directory``; make it if there is none."""
        refuse_unsafe_sqlite(apsw.sqlite_lib_version())
        steps = schema.known_migrations() if migrations is None else migrations
        directory = directory.resolve()
        locks = directory / "locks"
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = directory / DATABASE_NAME
        turnstile = Turnstile(locks)
        turnstile.enter()
        try:
            connection = connect(database, vfs=vfs, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            set_up_writer(connection, durability)
            schema.prepare(connection, migrations=steps, before_migration=before_migration)
        finally:
            turnstile.leave()
        connection.wal_autocheckpoint(1_000)
        writer = Writer(
            connection, turnstile, database=database, known_schema=steps[-1].number, after_commit=lambda: None
        )

        def make_reader() -> Reader:
            reading = connect(database, vfs=vfs)
            set_up_reader(reading)
            return Reader(reading, GatePass(locks), database)

        readers = Readers(make_reader)

        def close() -> None:
            writer.close(timeout_s=30)
            readers.close()
            connection.close()
            turnstile.close()

        return cls(directory, writer, readers, close)

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """See :class:`chatkeep.store.engine.Engine`."""
        if self._closed:
            raise StoreClosedError(f"{self.directory}: the store is closed")
        return self._writer.submit(work)

    def write(self, work: Callable[[Transaction], T], *, timeout_s: float = 30.0) -> T:
        """See :class:`chatkeep.store.engine.Engine`."""
        if self._closed:
            raise StoreClosedError(f"{self.directory}: the store is closed")
        return self._writer.write(work, timeout_s=timeout_s)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """See :class:`chatkeep.store.engine.Engine`."""
        if self._closed:
            raise StoreClosedError(f"{self.directory}: the store is closed")
        return self._readers.run(work)

    def close(self) -> None:
        """See :class:`chatkeep.store.engine.Engine`."""
        if not self._closed:
            self._closed = True
            self._close()
