"""How a connection to a store is opened and set up."""

from __future__ import annotations

import logging
import sys
import weakref
from pathlib import Path
from typing import Final, Literal

import apsw

from chatkeep.errors import UnsafeSqliteError
from chatkeep.store.sqlite.failures import store_error

Durability = Literal["full", "process"]
"""``full``: acknowledged writes survive a power cut. ``process``: only the end of the process."""

BUSY_TIMEOUT_MS: Final = 1_000
"""The last resort against programs that do not take turns; among ours nobody waits for SQLite's own locks."""

PAGE_SIZE: Final = 4_096

_log = logging.getLogger(__name__)

# Room for a conversation of 10,000 messages; 8 MiB made loading one a quarter slower.
_CACHE_KIB: Final = 16_384


open_connections: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()
"""All that a forked child must not touch."""


def can_corrupt_wal(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite can corrupt a WAL database when a commit and a checkpoint of two connections meet.

    It can from 3.7.0 on, until 3.51.3; the fix was also given to 3.50.7 and 3.44.6.
    """
    if version < (3, 7, 0) or version >= (3, 51, 3):
        return False
    return not ((3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0))


def refuse_unsafe_sqlite(version: str) -> None:
    """Raise :class:`UnsafeSqliteError` if a SQLite of this version must not write a store."""
    numbers = [int(part) for part in version.split(".")[:3]]
    if can_corrupt_wal((numbers[0], numbers[1], numbers[2])):
        raise UnsafeSqliteError(
            f"the loaded SQLite {version} can corrupt a database in WAL mode: upgrade the package apsw to 3.52 or newer"
        )


def connect(
    database: Path,
    *,
    vfs: str | None = None,
    flags: int = apsw.SQLITE_OPEN_READWRITE,
    uri: str | None = None,
) -> apsw.Connection:
    """Open a database; nothing is read from it yet.

    Args:
        uri: Opened in place of the path, to pass options such as ``immutable=1``.
    """
    try:
        if uri is not None:
            flags |= apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(uri or str(database), flags=flags, vfs=vfs, statementcachesize=256)
        open_connections.add(connection)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        # Checkpoints are ours to run, after the acknowledgement.
        connection.wal_autocheckpoint(0)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # A failing read of a mapped page is a signal that kills the process; a failing read() is an error.
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA temp_store = MEMORY")
    except apsw.Error as error:
        raise store_error(error, database) from error
    return connection


def set_up_writer(connection: apsw.Connection, durability: Durability) -> None:
    """Make a connection fit to write: every promise that SQLite keeps per connection."""
    execute = connection.execute
    execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    if sys.platform == "darwin":
        # There fsync leaves the bytes in the disk's own cache.
        execute(f"PRAGMA fullfsync = {'ON' if durability == 'full' else 'OFF'}")
        execute("PRAGMA checkpoint_fullfsync = ON")
    execute("PRAGMA foreign_keys = ON")
    # Freed bytes are zeroed, so that purged text is gone.
    execute("PRAGMA secure_delete = ON")


def set_up_reader(connection: apsw.Connection) -> None:
    """Make a connection refuse to write."""
    connection.execute("PRAGMA query_only = ON")


def disconnect(connection: apsw.Connection) -> None:
    """Close a connection; if it is the last, SQLite copies the log into the database and removes it."""
    try:
        connection.close()
    except apsw.Error as error:
        # The log stays, with all that is in it, and whoever opens the store next copies it.
        _log.warning("a connection was closed, but the write-ahead log was not tidied away: %s", error)
