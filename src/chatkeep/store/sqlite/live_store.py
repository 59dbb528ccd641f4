"""A store that this process can write: everything that its openings share."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from chatkeep.errors import StoreBusyError, StoreClosedError
from chatkeep.store.sqlite import schema
from chatkeep.store.sqlite.checkpoints import Checkpointer
from chatkeep.store.sqlite.commits import Commits
from chatkeep.store.sqlite.connections import Durability, connect, disconnect, set_up_reader, set_up_writer
from chatkeep.store.sqlite.failures import file_error, store_error
from chatkeep.store.sqlite.gate import GatePass
from chatkeep.store.sqlite.header import is_store
from chatkeep.store.sqlite.locks import close_lock_file, open_lock_file
from chatkeep.store.sqlite.readers import Reader, Readers
from chatkeep.store.sqlite.turnstile import Turnstile
from chatkeep.store.sqlite.writer import Writer

OPEN_TIMEOUT_S: Final = 30.0
_CLOSE_TIMEOUT_S: Final = 30.0


class LiveStore:
    """The writer, the readers and the threads behind them; used through :class:`SqliteEngine`."""

    def __init__(
        self,
        database: Path,
        *,
        durability: Durability,
        before_migration: schema.BeforeMigration | None,
        migrations: Sequence[schema.Migration],
        vfs: str | None,
    ) -> None:
        self.database = database
        self._vfs = vfs
        self._durability: Durability = durability
        self._known_schema = migrations[-1].number
        self._locks = database.parent / "locks"
        with contextlib.ExitStack() as undo:
            try:
                self._turnstile = Turnstile(self._locks)
                undo.callback(self._turnstile.close)
                gate = GatePass(self._locks)
                undo.callback(gate.close)
                checkpoint_lock = open_lock_file(self._locks / "checkpoint")
                undo.callback(close_lock_file, checkpoint_lock)
            except OSError as error:
                raise file_error(error, self._locks) from error
            self._turnstile.enter_within(OPEN_TIMEOUT_S)
            connection = self._first_connection(migrations, before_migration)
            self._turnstile.leave()
            undo.pop_all()
        self.readers = Readers(self._make_reader)
        self._watcher: Reader | None = None
        self._watching = threading.Lock()
        self._closed = False
        self.commits = Commits(self._data_version)
        self.writer = Writer(
            connection,
            self._turnstile,
            database=database,
            known_schema=self._known_schema,
            after_commit=self.commits.announce,
            on_growth=self._on_growth,
        )
        self.checkpointer = Checkpointer(
            self._connect_writer, self.writer, database=database, gate=gate, one_at_a_time=checkpoint_lock
        )

    def close(self) -> None:
        """Finish queued writes, release everything."""
        finished = self.writer.close(timeout_s=_CLOSE_TIMEOUT_S)
        self.commits.close()
        self.checkpointer.close()
        self.readers.close()
        with self._watching:
            self._closed = True
            if self._watcher is not None:
                self._watcher.close()
        if not finished:
            # The writer thread still waits in the queue of the processes, and ends when it gets its turn.
            return
        # Whoever closes last copies the log into the database and removes it: not while others come and go.
        try:
            with contextlib.suppress(StoreBusyError):
                self._turnstile.enter_within(1.0)
            disconnect(self.writer.connection)
        finally:
            self._turnstile.close()

    def disinherit(self) -> None:
        """In a forked child: never touch the files again."""
        self.writer.disinherit()

    def _first_connection(
        self, migrations: Sequence[schema.Migration], before_migration: schema.BeforeMigration | None
    ) -> apsw.Connection:
        if not is_store(self.database, vfs=self._vfs):
            _make_file(self.database)
        connection = self._connect_writer()
        try:
            schema.prepare(connection, migrations=migrations, before_migration=before_migration)
        except apsw.Error as error:
            disconnect(connection)
            raise store_error(error, self.database) from error
        except BaseException:
            disconnect(connection)
            raise
        return connection

    def _connect_writer(self) -> apsw.Connection:
        connection = connect(self.database, vfs=self._vfs)
        try:
            set_up_writer(connection, self._durability)
        except apsw.Error as error:
            disconnect(connection)
            raise store_error(error, self.database) from error
        return connection

    def _make_reader(self) -> Reader:
        connection = connect(self.database, vfs=self._vfs)
        set_up_reader(connection)
        try:
            gate = GatePass(self._locks)
        except OSError as error:
            disconnect(connection)
            raise file_error(error, self._locks) from error
        return Reader(connection, gate, database=self.database, known_schema=self._known_schema)

    def _data_version(self) -> int:
        with self._watching:
            if self._closed:
                raise StoreClosedError(f"{self.database}: the store is closed")
            if self._watcher is None:
                self._watcher = self._make_reader()
            return self._watcher.data_version()

    def _on_growth(self) -> None:
        self.checkpointer.ring()


def make_directories(database: Path, *, vfs: str | None) -> None:
    """Make the store's directory and its lock directory; nothing beside a file that is not a store."""
    directory = database.parent
    locks = directory / "locks"
    if not locks.exists() and database.exists():
        is_store(database, vfs=vfs)
    try:
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_directory(directory.parent)
        locks.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise file_error(error, directory) from error


def _make_file(database: Path) -> None:
    """An empty file that only its owner may read; SQLite gives its companions the same permissions."""
    try:
        descriptor = os.open(database, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise file_error(error, database) from error
    os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":
        return  # Windows opens no directories; its own journal keeps new names
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
