"""Moving the log into ``search.db`` beside searches, not before one of them is answered."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import apsw

from chatkeep.errors import StoreError
from chatkeep.store.sqlite.connections import connect

SOON_PAGES = 1_000
"""A log of so many pages is moved soon, in the background; syncing the disk may take half a second."""

NOW_PAGES = 16_000
"""A log that has grown so long, as it does while an index is built, is moved by who writes it."""


class Checkpoints:
    """At most one background thread, which lives for as long as there is something to move."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, connection: apsw.Connection) -> None:
        """Learn from a writing connection how long the log is."""
        connection.set_wal_hook(self._committed)

    def start_if_due(self) -> None:
        """Begin to move the log if it is long; returns at once."""
        with self._lock:
            if self._pages < SOON_PAGES or (self._thread is not None and self._thread.is_alive()):
                return
            self._pages = 0
            self._thread = threading.Thread(target=self._run, name="chatkeep-search-checkpoint", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait for the thread."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _committed(self, connection: apsw.Connection, database: str, pages: int) -> int:
        self._pages = pages
        if pages >= NOW_PAGES:
            connection.wal_checkpoint(database, apsw.SQLITE_CHECKPOINT_PASSIVE)
        return apsw.SQLITE_OK

    def _run(self) -> None:
        # A log that stays long slows searches a little; the next one who writes tries again.
        with contextlib.suppress(StoreError, apsw.Error):
            connection = connect(self._path)
            try:
                connection.wal_checkpoint(None, apsw.SQLITE_CHECKPOINT_PASSIVE)
            finally:
                connection.close(force=True)
