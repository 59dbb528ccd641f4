"""Whose turn it is to write the index: one thread of one process at a time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chatkeep.errors import SearchUnavailableError, StoreClosedError
from chatkeep.store.sqlite.locks import TRY_EXCLUSIVE, UNLOCK, close_lock_file, flock, open_lock_file

LOCK_NAME = "search"

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.02
_CLOSE_WAIT_S = 10.0


class Turn:
    """A lock file that the operating system releases when its holder dies."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK_NAME
        self._descriptor: int | None = None
        self._here = threading.Lock()
        self._is_closed = False

    @contextlib.contextmanager
    def taken(self, wait_s: float, *, until: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Hold the lock, and say True; or say False after ``wait_s``, or once ``until`` is true while waiting."""
        deadline = time.monotonic() + wait_s
        mine = self._take(deadline, until)
        try:
            yield mine
        finally:
            if mine:
                assert self._descriptor is not None
                flock(self._descriptor, UNLOCK)
                self._here.release()

    def close(self) -> None:
        """Let go of the lock file, once another thread has ended its turn; repeating it is harmless."""
        self._is_closed = True
        # Not for ever: a signal handler may have interrupted the very thread whose turn it is.
        if self._here.acquire(timeout=_CLOSE_WAIT_S):
            if self._descriptor is not None:
                close_lock_file(self._descriptor)
                self._descriptor = None
            self._here.release()

    def _take(self, deadline: float, until: Callable[[], bool]) -> bool:
        pause = _FIRST_PAUSE_S
        while not self._try():
            if time.monotonic() >= deadline or until():
                return False
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        return True

    def _try(self) -> bool:
        if not self._here.acquire(blocking=False):
            return False
        try:
            if self._is_closed:
                raise StoreClosedError("the search index was closed meanwhile: open the store again")
            if self._descriptor is None:
                self._descriptor = self._open()
            flock(self._descriptor, TRY_EXCLUSIVE)
        except (BlockingIOError, PermissionError):
            self._here.release()
            return False
        except BaseException:
            self._here.release()
            raise
        return True

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return open_lock_file(self._path)
        except OSError as error:
            raise SearchUnavailableError(f"the lock of the search index cannot be opened: {error}") from error
