"""SQLite databases of other apps, opened from a private copy: the original is never locked, changed or recovered."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

import apsw

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.sources.files import open_regular

MAGIC = b"SQLite format 3\0"

# What SQLite needs beside the database to see its last transactions. `-shm` is made anew.
JOURNALS = ("-wal", "-journal")

_ATTEMPTS = 20
_PAUSE_S = 0.05
_SUPER_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_VALUE_LIMIT = 512 * 1024 * 1024


def copy_file(path: Path, folder: Path) -> Path:
    """Copy a database file and its journals into ``folder`` as they were at one moment.

    Raises:
        UnreadableSourceError: A program keeps writing to it, it cannot be read, or there is no room for the copy.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_S)
        before = dict(_states(path))
        openers = {suffix: partial(open_regular, Path(f"{path}{suffix}")) for suffix in before}
        try:
            copy = _copy(openers, folder, path.name)
        except UnreadableSourceError:
            # A journal that was there may be gone already: the next look tells.
            if before == dict(_states(path)):
                raise
            continue
        if before == dict(_states(path)):
            return copy
    raise UnreadableSourceError(f"{path}: a program keeps writing to it: close that program and try again")


def copy_streams(streams: Mapping[str, Callable[[], BinaryIO]], folder: Path, name: str) -> Path:
    """Copy a database, and its journals by suffix, out of an archive."""
    return _copy(streams, folder, name)


def _states(path: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for suffix in ("", *JOURNALS):
        file = Path(f"{path}{suffix}")
        try:
            found = file.stat()
        except FileNotFoundError:
            if not suffix:
                raise UnreadableSourceError(f"{path}: no such file") from None
            continue
        except OSError as error:
            raise UnreadableSourceError(f"{file}: {error.strerror or error}") from error
        yield suffix, (found.st_ino, found.st_size, found.st_mtime_ns)


def _copy(streams: Mapping[str, Callable[[], BinaryIO]], folder: Path, name: str) -> Path:
    target = folder / "copy.db"
    for suffix in JOURNALS:
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    for suffix, opened in streams.items():
        try:
            with opened() as stream, Path(f"{target}{suffix}").open("wb") as copy:
                shutil.copyfileobj(stream, copy, 1024 * 1024)
        except OSError as error:
            raise UnreadableSourceError(f"{name}: cannot make a private copy: {error.strerror or error}") from error
    _refuse_super_journal(Path(f"{target}-journal"), name)
    return target


def _refuse_super_journal(journal: Path, name: str) -> None:
    # Rolling back a journal of several databases deletes the file that its last bytes name: any file of the user's.
    if journal.exists():
        with journal.open("rb") as stream:
            stream.seek(max(0, journal.stat().st_size - len(_SUPER_JOURNAL_MAGIC)))
            if stream.read() == _SUPER_JOURNAL_MAGIC:
                raise UnreadableSourceError(
                    f"{name}: was left in the middle of a change over several databases: open it in its program first"
                )


def open_copy(copy: Path, name: str) -> apsw.Connection:
    """A connection to a private copy, which SQLite may recover, and nobody may write to.

    Raises:
        UnreadableSourceError: Not a database, or damaged.
    """
    try:
        connection = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise UnreadableSourceError(f"{name}: {error}") from error
    try:
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, _VALUE_LIMIT)
        connection.execute("PRAGMA cell_size_check = ON; PRAGMA query_only = ON").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except apsw.Error as error:
        connection.close()
        raise UnreadableSourceError(f"{name}: not a database, or damaged: {error}") from error
    return connection


def table_names(connection: apsw.Connection) -> frozenset[str]:
    """Names of ordinary tables: a view or virtual table of that name would run its author's code."""
    rows = connection.execute(
        "SELECT CAST(name AS BLOB) FROM sqlite_schema WHERE type = 'table' AND lower(sql) NOT LIKE 'create virtual%'"
    )
    return frozenset(bytes(name).decode("utf-8", "replace") for (name,) in rows if name is not None)
