"""An index of one's own, for a store whose directory must not be written."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import apsw

from chatkeep.errors import SearchUnavailableError
from chatkeep.store.sqlite.read_only import Sight, choose_sight
from chatkeep.store.sqlite.search.database import NAME, SearchFile, UnusableIndexError


def file_in_place(directory: Path) -> SearchFile | None:
    """The index beside the store, opened without writing; None if there is none that can be read so."""
    wal, shm = directory / f"{NAME}-wal", directory / f"{NAME}-shm"
    sight = choose_sight(
        wal_bytes=wal.stat().st_size if wal.exists() else None,
        has_index=shm.exists(),
        is_writable=os.access(directory, os.W_OK),
        trust_locks=True,
    )
    if sight is Sight.COPY or not (directory / NAME).exists():
        return None
    return SearchFile(directory, read_only=True, immutable=sight is Sight.FIXED)


class Scratch:
    """A private directory with an index that starts as a copy of the one beside the store."""

    def __init__(self, source: SearchFile | None) -> None:
        try:
            self.directory = Path(tempfile.mkdtemp(prefix="chatkeep-search-"))
        except OSError as error:
            raise SearchUnavailableError(f"no temporary directory for a search index: {error}") from error
        if source is not None:
            # What cannot be copied is made from the store.
            with contextlib.suppress(UnusableIndexError, apsw.Error):
                self._copy(source)

    def remove(self) -> None:
        """Delete it with all that is in it."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _copy(self, source: SearchFile) -> None:
        target = apsw.Connection(str(self.directory / NAME))
        try:
            with source.reading() as reading, target.backup("main", reading.connection, "main") as backup:
                backup.step(-1)
        finally:
            target.close(force=True)
