"""The file ``search.db``: opening, setting up, starting over, and the connections that read it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw

from chatkeep.errors import SearchUnavailableError, StoreClosedError, StoreError
from chatkeep.store.sqlite.connections import connect
from chatkeep.store.sqlite.search import schema
from chatkeep.store.sqlite.search.checkpointing import Checkpoints
from chatkeep.store.sqlite.search.scoring import Scoring

NAME = "search.db"

_SUFFIXES = ("", "-wal", "-shm", "-journal")
_READ_CACHE_KIB = 65_536
_WRITE_CACHE_KIB = 65_536
_LOG_BYTES = 16 << 20
_IDLE_READERS = 4


class UnusableIndexError(Exception):
    """The file is missing, foreign, damaged or of another layout: whoever holds the lock makes it anew."""


class Reading:
    """A connection for one search at a time, with its scoring function."""

    def __init__(self, connection: apsw.Connection, identity: tuple[int, int]) -> None:
        self.connection = connection
        self.identity = identity
        self.scoring = Scoring(connection)


class SearchFile:
    """``search.db`` in a directory. Several processes may have it open; one of them, under a lock, writes it."""

    def __init__(self, directory: Path, *, read_only: bool = False, immutable: bool = False) -> None:
        """``read_only`` never writes it; ``immutable`` reads it without locks, as nothing waits in its log."""
        self.path = directory / NAME
        self.checkpoints = Checkpoints(self.path)
        self._read_only = read_only
        self._immutable = immutable
        self._idle: list[Reading] = []
        self._lock = threading.Lock()
        self._is_closed = False
        self._writer: apsw.Connection | None = None
        self._writer_identity: tuple[int, int] | None = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reading]:
        """A connection inside one read transaction.

        Raises:
            UnusableIndexError: As it says.
        """
        reader = self._take()
        try:
            with driver_errors():
                reader.connection.execute("BEGIN")
                yield reader
                reader.connection.execute("COMMIT")
        except BaseException:
            reader.connection.close(force=True)
            raise
        with self._lock:
            if len(self._idle) < _IDLE_READERS and not self._is_closed:
                self._idle.append(reader)
                return
        reader.connection.close()

    def writer(self) -> apsw.Connection:
        """The connection to write with; only for the holder of the lock.

        Raises:
            UnusableIndexError: As it says.
            StoreClosedError: The index is being closed.
        """
        if self._is_closed:
            raise StoreClosedError("the search index was closed meanwhile: open the store again")
        identity = self._identity()
        if self._writer is None or identity != self._writer_identity:
            self._close_writer()
            self._writer = self._open(_WRITE_CACHE_KIB)
            self.checkpoints.watch(self._writer)
            self._writer_identity = identity
        return self._writer

    def start_over(self) -> apsw.Connection:
        """Replace the file, whatever it is, with an empty index; only for the holder of the lock.

        Other processes notice that the path names another file and open it again.
        """
        self.checkpoints.finish()
        self._close_writer()
        self._close_idle()
        # The database first: a log that is left behind alone is removed here the next time.
        for suffix in _SUFFIXES:
            self.path.with_name(NAME + suffix).unlink(missing_ok=True)
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        connection = connect(self.path, flags=flags)
        with contextlib.suppress(OSError):
            self.path.chmod(0o600)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            schema.create(connection)
        except apsw.Error:
            connection.close(force=True)
            raise
        connection.close()
        return self.writer()

    def sizes(self) -> dict[str, int]:
        """Bytes of the database and the files beside it."""
        found = {}
        for suffix in _SUFFIXES:
            with contextlib.suppress(OSError):
                found[NAME + suffix] = self.path.with_name(NAME + suffix).stat().st_size
        return found

    def stop_writing(self) -> None:
        """Refuse :meth:`writer` from now on; who writes in another thread ends with its next step."""
        self._is_closed = True

    def close_readers(self) -> None:
        """Let go of the idle readers, which may keep the log from being truncated."""
        self._close_idle()

    def close(self) -> None:
        """Release everything; repeating it is harmless."""
        self.stop_writing()
        self.checkpoints.finish()
        self._close_writer()
        self._close_idle()

    def _take(self) -> Reading:
        identity = self._identity()
        with self._lock:
            while self._idle:
                reader = self._idle.pop()
                if reader.identity == identity:
                    return reader
                reader.connection.close()
        connection = self._open(_READ_CACHE_KIB)
        connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, fts, row)")
        connection.execute("PRAGMA query_only = ON")
        return Reading(connection, identity)

    def _identity(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise UnusableIndexError(f"{self.path} cannot be found") from error
        return found.st_dev, found.st_ino

    def _open(self, cache_kib: int) -> apsw.Connection:
        uri = f"{self.path.resolve().as_uri()}?immutable=1" if self._immutable else None
        flags = apsw.SQLITE_OPEN_READONLY if self._read_only else apsw.SQLITE_OPEN_READWRITE
        try:
            connection = connect(self.path, flags=flags, uri=uri)
        except StoreError as error:
            raise UnusableIndexError(str(error)) from error
        try:
            with driver_errors():
                if not schema.is_ours(connection):
                    raise UnusableIndexError(f"{self.path} is not an index of this layout")
                _set_up(connection, cache_kib)
        except apsw.SQLError as error:
            connection.close(force=True)
            raise UnusableIndexError(f"{self.path} has tables of another layout") from error
        except BaseException:
            connection.close(force=True)
            raise
        return connection

    def _close_writer(self) -> None:
        if self._writer is not None:
            # One that another thread still uses is closed when nobody refers to it any more.
            with contextlib.suppress(apsw.ThreadingViolationError):
                self._writer.close(force=True)
            self._writer = None

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.connection.close(force=True)


@contextlib.contextmanager
def writing(connection: apsw.Connection) -> Iterator[None]:
    """One transaction that writes from its beginning.

    SQLite waits for nobody when a transaction that has read begins to write; and readers, too, hold the write lock for
    a moment when they find the log's index being changed. The driver's own block would wait with all threads stopped.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def driver_errors() -> Iterator[None]:
    """Tell damage, which is repaired by starting over, from what is not the file's fault."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError) as error:
        raise UnusableIndexError(f"the search index cannot be read: {error}") from error
    except apsw.Error as error:
        # A full disk, no permission, a lock: repairing would only meet it again.
        raise SearchUnavailableError(f"the search index cannot be used now: {error}") from error


def _set_up(connection: apsw.Connection, cache_kib: int) -> None:
    # A power cut may take the last transactions with it, and their position: they are made again.
    connection.execute("PRAGMA synchronous = NORMAL")
    # Purged words must not stay in freed pages.
    connection.execute("PRAGMA secure_delete = ON")
    # Merging while building makes a long log once; it must not stay so long.
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
