"""A store that is only read, wherever it lies: see docs/decisions/0010-reading-without-writing.md."""

from __future__ import annotations

import enum
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import apsw

from chatkeep.errors import (
    StoreBusyError,
    StoreClosedError,
    StoreError,
    StoreMissingError,
    StoreNewerError,
    StoreReadOnlyError,
)
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.commits import Commits
from chatkeep.store.sqlite.connections import connect, set_up_reader
from chatkeep.store.sqlite.failures import file_error, store_error
from chatkeep.store.sqlite.gate import GatePass, NoGate
from chatkeep.store.sqlite.header import is_store
from chatkeep.store.sqlite.readers import Reader, Readers

T = TypeVar("T")

_TRIES: Final = 5
_CHUNK_BYTES: Final = 1 << 20


class Sight(enum.Enum):
    """How the files are read."""

    LIVE = "beside their writers, with SQLite's own locks"
    FIXED = "as they are, without locks: nothing waits in the log"
    COPY = "from a private copy, because what waits in the log must be put in order first"


def choose_sight(*, wal_bytes: int | None, has_index: bool, is_writable: bool, trust_locks: bool) -> Sight:
    """Pick the way that sees everything committed and writes nothing of the store.

    Args:
        wal_bytes: The size of the write-ahead log; None if there is none.
        has_index: Whether its index, the ``-shm`` file, is there.
        is_writable: Whether these two can be made.
        trust_locks: False on a network file system.
    """
    if trust_locks and (is_writable or (wal_bytes is not None and has_index)):
        return Sight.LIVE
    return Sight.COPY if wal_bytes else Sight.FIXED


@dataclass(frozen=True, slots=True)
class _View:
    """One way of reading, good until the files change behind it."""

    sight: Sight
    readers: Readers
    prints: tuple[object, ...]
    scratch: Path | None

    def close(self) -> None:
        self.readers.close()
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


class ReadOnlyStore:
    """Readers over files that are not written; used through :class:`SqliteEngine`."""

    def __init__(self, database: Path, *, known_schema: int, vfs: str | None, trust_locks: bool) -> None:
        if not is_store(database, vfs=vfs):
            raise StoreMissingError(f"{database.parent}: there is no store here, and reading alone does not make one")
        self.database = database
        self._known_schema = known_schema
        self._vfs = vfs
        self._trust_locks = trust_locks
        self._guard = threading.Lock()
        self._closed = False
        self._watcher: Reader | None = None
        self._changes = 0
        self._view = self._open_view()
        self.commits = Commits(self._data_version)

    @property
    def sight(self) -> Sight:
        """How the files are read now."""
        return self._view.sight

    def run(self, work: Callable[[Transaction], T]) -> T:
        """See :meth:`chatkeep.store.engine.Engine.read`."""
        for _ in range(_TRIES):
            view = self._view
            try:
                value = view.readers.run(work)
            except StoreError:
                # Somebody else wrote meanwhile, which files read without locks look damaged by.
                if self._is_good(view):
                    raise
            else:
                if self._is_good(view):
                    return value
            self._renew(view)
        raise StoreBusyError(f"{self.database}: it is written faster than it can be read without locks: try again")

    def close(self) -> None:
        """Release everything, and remove a private copy."""
        with self._guard:
            self._closed = True
            self._view.close()
            if self._watcher is not None:
                self._watcher.close()
        self.commits.close()

    def disinherit(self) -> None:
        """In a forked child there is nothing of the store to protect; the parent removes the copy."""

    def _is_good(self, view: _View) -> bool:
        return view.sight is Sight.LIVE or view.prints == _prints(self.database)

    def _renew(self, old: _View) -> None:
        with self._guard:
            if self._view is old and not self._closed:
                self._changes += 1
                old.close()
                self._view = self._open_view()

    def _data_version(self) -> int:
        view = self._view
        if not self._is_good(view):
            self._renew(view)
        with self._guard:
            if self._closed:
                raise StoreClosedError(f"{self.database}: the store is closed")
            if self._view.sight is not Sight.LIVE:
                return -self._changes
            if self._watcher is None:
                self._watcher = self._live_reader()
            return self._watcher.data_version()

    def _open_view(self) -> _View:
        prints = _prints(self.database)
        wal = self.database.with_name(self.database.name + "-wal")
        sight = choose_sight(
            wal_bytes=_size(wal),
            has_index=self.database.with_name(self.database.name + "-shm").exists(),
            is_writable=os.access(self.database.parent, os.W_OK),
            trust_locks=self._trust_locks,
        )
        scratch = _copy(self.database, vfs=self._vfs) if sight is Sight.COPY else None
        make = {
            Sight.LIVE: self._live_reader,
            Sight.FIXED: self._fixed_reader,
            Sight.COPY: lambda: self._reader(scratch),
        }
        view = _View(sight, Readers(make[sight]), prints, scratch)
        try:
            view.readers.run(self._refuse_other_schema)
        except BaseException:
            view.close()
            raise
        return view

    def _refuse_other_schema(self, transaction: Transaction) -> None:
        row = transaction.row("PRAGMA user_version")
        found = int(row[0]) if row else 0
        if found == 0:
            raise StoreMissingError(f"{self.database}: a store was begun here, but never finished: open it for writing")
        if found > self._known_schema:
            raise StoreNewerError(found, self._known_schema)
        if found < self._known_schema:
            raise StoreReadOnlyError(
                f"{self.database}: it has the older schema {found}: open it for writing once to bring it up to date"
            )

    def _live_reader(self) -> Reader:
        locks = self.database.parent / "locks"
        gate: GatePass | NoGate
        try:
            gate = _gate(locks)
        except OSError:
            gate = NoGate()
        return self._reader(None, gate=gate)

    def _fixed_reader(self) -> Reader:
        return self._reader(None, uri=f"file:{quote(str(self.database))}?immutable=1")

    def _reader(self, scratch: Path | None, *, uri: str | None = None, gate: GatePass | NoGate | None = None) -> Reader:
        place = self.database if scratch is None else scratch / self.database.name
        connection = connect(place, vfs=self._vfs, flags=apsw.SQLITE_OPEN_READONLY, uri=uri)
        set_up_reader(connection)
        return Reader(connection, gate or NoGate(), database=self.database, known_schema=self._known_schema)


def _gate(locks: Path) -> GatePass:
    try:
        return GatePass(locks)
    except OSError:
        return GatePass(locks, create=False)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # its last writer may remove it just now
        return None


def _prints(database: Path) -> tuple[object, ...]:
    """Equal as long as nobody writes: what the directory says of the database and its log."""
    found: list[object] = []
    for path in (database, database.with_name(database.name + "-wal")):
        try:
            about = path.stat()
        except OSError:
            found.append(None)
        else:
            # An empty log is as good as none.
            is_log = path is not database
            found.append(None if is_log and not about.st_size else (about.st_ino, about.st_size, about.st_mtime_ns))
    return tuple(found)


def _copy(database: Path, *, vfs: str | None) -> Path:
    """Copy the database and its log to a directory that only we can read; the caller removes it."""
    try:
        scratch = Path(tempfile.mkdtemp(prefix="chatkeep-read-"))
    except OSError as error:
        raise file_error(error, Path(tempfile.gettempdir())) from error
    try:
        for _ in range(_TRIES):
            before = _prints(database)
            _copy_file(database, scratch, flags=apsw.SQLITE_OPEN_MAIN_DB, vfs=vfs)
            wal = database.with_name(database.name + "-wal")
            if wal.exists():
                _copy_file(wal, scratch, flags=apsw.SQLITE_OPEN_WAL, vfs=vfs)
            if before == _prints(database):
                return scratch
        raise StoreBusyError(f"{database}: it is written faster than it can be copied: try again")
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _copy_file(source: Path, scratch: Path, *, flags: int, vfs: str | None) -> None:
    try:
        file = apsw.VFSFile(vfs or "", str(source), [apsw.SQLITE_OPEN_READONLY | flags, 0])
        try:
            size = file.xFileSize()
            with (scratch / source.name).open("wb") as target:
                for offset in range(0, size, _CHUNK_BYTES):
                    target.write(file.xRead(min(_CHUNK_BYTES, size - offset), offset))
        finally:
            file.xClose()
    except apsw.Error as error:
        raise store_error(error, source) from error
    except OSError as error:
        raise file_error(error, scratch) from error
