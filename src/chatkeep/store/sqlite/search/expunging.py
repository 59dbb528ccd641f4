"""Removing deleted words from the bytes of the index."""

from __future__ import annotations

import time

import apsw

from chatkeep.errors import SearchUnavailableError
from chatkeep.store.sqlite.search.database import SearchFile
from chatkeep.store.sqlite.search.merging import merge

_MERGE_PAGES = 1_000
"""Of one step, which takes well under a second: searches see the index between the steps."""

_WAL_WAIT_S = 30.0
_PAUSE_S = 0.05


def expunge(connection: apsw.Connection, file: SearchFile) -> None:
    """Leave no word of a deleted document in any file of the index; the caller holds its lock.

    FTS5 keeps the words of deleted documents until the segments that hold them are merged, and the log keeps old
    pages until it is truncated.

    Raises:
        SearchUnavailableError: Somebody kept reading an old state of the index.
    """
    if connection.execute("SELECT deleted FROM state").fetchone() != (0,):
        _merge_all(connection)
        # A model's name may say what was purged, too; every batch looks the numbers up anew.
        connection.execute("DELETE FROM model WHERE id NOT IN (SELECT model FROM doc)")
        connection.execute("UPDATE state SET deleted = 0")
    _truncate(connection, file)


def _merge_all(connection: apsw.Connection) -> None:
    # A negative count starts merging all segments into one; positive ones go on with that until nothing changes.
    pages = -_MERGE_PAGES
    while merge(connection, pages):
        pages = _MERGE_PAGES


def _truncate(connection: apsw.Connection, file: SearchFile) -> None:
    deadline = time.monotonic() + _WAL_WAIT_S
    while True:
        # Idle readers of this process hold no state, but closing them leaves only those of others to wait for.
        file.close_readers()
        busy, _, _ = next(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
        if not busy:
            return
        if time.monotonic() > deadline:
            raise SearchUnavailableError(
                f"{file.path}: another program keeps reading an old state, so deleted words are still in its log:"
                " close the other programs that use this store, then purge again"
            )
        time.sleep(_PAUSE_S)
