"""Presence by file locks: each process holds a lock on ``locks/<writer id>`` for as long as it lives."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

from chatkeep.errors import StoreClosedError, StorePermissionError, StoreReadOnlyError
from chatkeep.store.sqlite.locks import TRY_EXCLUSIVE, close_lock_file, flock, open_lock_file

# A writer id comes from the database: what looks otherwise must not become a path.
_WRITER_ID = re.compile(r"writer-[0-9a-f]{32}")


class FilePresence:
    """See :class:`chatkeep.store.presence.Presence`.

    The kernel lets go of the lock when the process ends, however it ends. The file of a writer that is gone is removed
    by who claims it; a missing file proves as much as a free lock, because it is made before the id is used.
    """

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        """``directory`` is the store's ``locks`` folder; nothing is made before the first :meth:`writer_id`."""
        self._directory = directory
        self._read_only = read_only
        self._pid = os.getpid()
        self._guard = threading.Lock()
        self._held: tuple[str, int] | None = None
        self._closed = False

    def writer_id(self) -> str:
        """See :class:`chatkeep.store.presence.Presence`."""
        if self._read_only:
            raise StoreReadOnlyError(f"{self._directory.parent}: the store was opened for reading only")
        if os.getpid() != self._pid:
            raise StoreClosedError("streams cannot be written over fork: open the store again in this process")
        with self._guard:
            if self._closed:
                raise StoreClosedError(f"{self._directory.parent}: the store is closed")
            while self._held is None:
                self._held = self._appear()
            return self._held[0]

    def _appear(self) -> tuple[str, int] | None:
        writer_id = f"writer-{uuid.uuid4().hex}"
        path = self._directory / writer_id
        try:
            descriptor = open_lock_file(path)
        except OSError as error:
            raise StorePermissionError(f"{path}: {error.strerror}: streams need a lock file there") from error
        try:
            flock(descriptor, TRY_EXCLUSIVE)
        except BlockingIOError:
            close_lock_file(descriptor)
            return None
        # Between making the file and locking it somebody may have found it free, and removed it.
        if not _is_at(descriptor, path):
            close_lock_file(descriptor)
            return None
        return writer_id, descriptor

    @contextlib.contextmanager
    def claim(self, writer_id: str) -> Iterator[bool]:
        """See :class:`chatkeep.store.presence.Presence`."""
        held = self._held
        if held is not None and writer_id == held[0]:
            yield False
            return
        if not _WRITER_ID.fullmatch(writer_id):
            yield True
            return
        path = self._directory / writer_id
        try:
            descriptor = open_lock_file(path, create=False)
        except FileNotFoundError:
            yield True
            return
        except OSError:
            # Of another user, perhaps: whether that one lives cannot be told.
            yield False
            return
        try:
            try:
                flock(descriptor, TRY_EXCLUSIVE)
            except BlockingIOError:
                yield False
                return
            yield True
            with contextlib.suppress(OSError):
                path.unlink()
        finally:
            close_lock_file(descriptor)

    def sweep(self) -> None:
        """See :class:`chatkeep.store.presence.Presence`."""
        for path in self._directory.glob("writer-*"):
            with contextlib.suppress(OSError), self.claim(path.name):
                pass

    def close(self) -> None:
        """See :class:`chatkeep.store.presence.Presence`."""
        with self._guard:
            self._closed = True
            held, self._held = self._held, None
        if held is not None and os.getpid() == self._pid:
            with contextlib.suppress(OSError):
                (self._directory / held[0]).unlink()
            close_lock_file(held[1])


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
