"""What a database file is, told from its first bytes, before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from chatkeep.errors import StoreForeignError
from chatkeep.store.sqlite.failures import store_error
from chatkeep.store.sqlite.schema import APPLICATION_ID

_MAGIC: Final = b"SQLite format 3\x00"
_APPLICATION_ID_AT: Final = 68


def is_store(database: Path, *, vfs: str | None = None) -> bool:
    """True for a store, False for nothing yet: no such file, or an empty one.

    The file is read through SQLite's own file layer: closing any other descriptor of it would drop the locks that
    this process holds on it.

    Raises:
        StoreForeignError: It is something else.
    """
    try:
        if database.stat().st_size == 0:
            return False
    except FileNotFoundError:
        return False
    except OSError:
        pass  # opening it says more
    try:
        file = apsw.VFSFile(vfs or "", str(database), [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0])
        try:
            size = file.xFileSize()
            head = file.xRead(min(100, size), 0)
        finally:
            file.xClose()
    except apsw.Error as error:
        raise store_error(error, database) from error
    if not head.startswith(_MAGIC):
        if _was_being_made(database):
            return False
        raise StoreForeignError(
            f"{database}: this is not a database, or its first bytes are damaged; it was not touched:"
            " move it away, or restore a backup if it was a store"
        )
    mark = int.from_bytes(head[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big")
    if mark != APPLICATION_ID:
        raise StoreForeignError(
            f"{database}: this database was not made by Chatkeep; it was not touched: import from it,"
            " or choose another directory"
        )
    return True


def _was_being_made(database: Path) -> bool:
    """Whether a power cut hit the very first write, which SQLite undoes when it opens the file."""
    journal = database.with_name(database.name + "-journal")
    return journal.exists() and (database.parent / "locks").is_dir()
