"""One store per process and directory: openings share it, the last to close releases it, a forked child has none."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Protocol

import apsw

from chatkeep.store.sqlite.connections import open_connections


class Shared(Protocol):
    """What can be shared."""

    def close(self) -> None: ...
    def disinherit(self) -> None: ...


class _Entry:
    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.openings = 0
        self.store: Shared | None = None


class Registry:
    """Stores by key, with the number of their openings. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    def acquire(self, key: Hashable, make: Callable[[], Shared]) -> Shared:
        """The store of this key, made if there is none; each call needs its :meth:`release`."""
        while True:
            with self._guard:
                entry = self._entries.setdefault(key, _Entry())
            with entry.guard:
                if self._entries.get(key) is not entry:
                    continue  # closed by its last user while we waited
                try:
                    if entry.store is None:
                        entry.store = make()
                    entry.openings += 1
                finally:
                    if entry.store is None:
                        self._forget(key)
                return entry.store

    def join(self, key: Hashable) -> Shared | None:
        """One more opening of a store that is open already, or None."""
        with self._guard:
            entry = self._entries.get(key)
        if entry is None:
            return None
        with entry.guard:
            if self._entries.get(key) is not entry or entry.store is None:
                return None
            entry.openings += 1
            return entry.store

    def release(self, key: Hashable) -> None:
        """One opening less; the last one closes the store before this returns."""
        with self._guard:
            entry = self._entries.get(key)
        if entry is None:
            return
        with entry.guard:
            entry.openings -= 1
            if entry.openings == 0 and entry.store is not None:
                try:
                    entry.store.close()
                finally:
                    self._forget(key)

    def close_all(self) -> None:
        """At the end of the process: finish what is queued, release everything."""
        for entry in list(self._entries.values()):
            if entry.store is not None:
                entry.store.close()
        self._entries.clear()

    def disinherit(self) -> None:
        """In a forked child: forget everything, and touch none of it ever again."""
        entries, self._entries = self._entries, {}
        self._guard = threading.Lock()
        for entry in entries.values():
            if entry.store is not None:
                entry.store.disinherit()

    def _forget(self, key: Hashable) -> None:
        with self._guard:
            self._entries.pop(key, None)


class Disposable(Protocol):
    """An opening, which a forked child must not use."""

    def disinherit(self) -> None: ...


registry = Registry()
openings: weakref.WeakSet[Disposable] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for opening in list(openings):
        opening.disinherit()
    registry.disinherit()
    for connection in list(open_connections):
        _keep_for_ever(connection)


def _keep_for_ever(connection: apsw.Connection) -> None:
    # Closing it here could copy the log into the database, or undo a transaction in memory shared with the parent, on
    # the strength of locks that only the parent has. So it is never finalised, not even at exit.
    import ctypes  # slow to load, and most processes never fork

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(registry.close_all)
