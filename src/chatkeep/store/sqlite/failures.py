"""SQLite's failures as errors of Chatkeep, with what to do about each. No class of the driver leaves this package."""

from __future__ import annotations

import errno
from pathlib import Path

import apsw

from chatkeep.errors import (
    ConstraintError,
    StoreBusyError,
    StoreClosedError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreIOError,
    StorePermissionError,
    StoreReadOnlyError,
)

_MEANINGS: tuple[tuple[type[apsw.Error], type[StoreError], str], ...] = (
    (apsw.ConstraintError, ConstraintError, "a rule of the schema was broken"),
    (
        apsw.FullError,
        StoreFullError,
        "the disk is full; nothing was written and what is stored stays readable: free some space, then try again",
    ),
    (
        apsw.BusyError,
        StoreBusyError,
        "a program that takes no turns, such as a database shell, keeps the database locked: close it and try again",
    ),
    (apsw.ProtocolError, StoreBusyError, "the database was locked and unlocked too fast by others: try again"),
    (apsw.ConnectionClosedError, StoreClosedError, "the store was closed meanwhile"),
    (apsw.LockedError, StoreBusyError, "another statement of this program keeps the database locked"),
    (
        apsw.CorruptError,
        StoreCorruptError,
        "the database is damaged: keep a copy of the whole directory, run check, restore the newest backup",
    ),
    (
        apsw.NotADBError,
        StoreCorruptError,
        "the database's first bytes are damaged: keep a copy of the whole directory, restore the newest backup",
    ),
    (
        apsw.ReadOnlyError,
        StoreReadOnlyError,
        "the database cannot be written: look at the permissions of its directory, and how the disk is mounted",
    ),
    (
        apsw.CantOpenError,
        StorePermissionError,
        "the database or a file beside it cannot be opened: look at owner and permissions of the directory",
    ),
    (apsw.AuthError, StorePermissionError, "the database refused access"),
    (
        apsw.PermissionsError,
        StorePermissionError,
        "the operating system refused access: look at owner and permissions of the directory",
    ),
    (
        apsw.IOError,
        StoreIOError,
        "the disk failed to read or write; nothing was written: look at the system log and the disk's health",
    ),
)

# The wal-index cannot grow: in practice a full disk, reported as an I/O error.
_FULL_IN_DISGUISE = frozenset({apsw.SQLITE_IOERR_SHMSIZE})


def store_error(error: apsw.Error, database: Path) -> StoreError:
    """The error of ours for one of the driver's, ready to be raised from it."""
    if getattr(error, "extendedresult", 0) in _FULL_IN_DISGUISE:
        return StoreFullError(f"{database}: {_MEANINGS[1][2]} ({error})")
    for driver, ours, meaning in _MEANINGS:
        if isinstance(error, driver):
            return ours(f"{database}: {meaning} ({error})")
    return StoreError(f"{database}: {type(error).__name__}: {error}")


def file_error(error: OSError, path: Path) -> StoreError:
    """The same for what the operating system says about a directory or a lock file of the store."""
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return StorePermissionError(f"{path}: access was refused: look at owner and permissions ({error.strerror})")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(f"{path}: the disk is full: free some space, then try again ({error.strerror})")
    return StoreIOError(f"{path}: it cannot be used: {error.strerror or error}")
