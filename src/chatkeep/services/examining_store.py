"""What ``doctor`` asks of a SQLite store: the one service that knows its engine, being about its ways."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec

from chatkeep.errors import ChatkeepError, NetworkFilesystemError
from chatkeep.instances.filesystem import find_mount, network_reason
from chatkeep.store.sqlite import SqliteEngine, connections
from chatkeep.store.sqlite.lock_holders import describe_holder, describe_locker
from chatkeep.store.sqlite.search.builder import State, behind
from chatkeep.store.sqlite.search.database import SearchFile, UnusableIndexError


class StoreState(msgspec.Struct, frozen=True, kw_only=True):
    """A look at a store."""

    schema: int
    conversations: int
    writer: str | None
    """Who is writing now, e.g. ``process 4242 (python3)``; None if nobody is, or the system does not tell."""
    index_behind: int | None
    """Changes that the search index does not know yet; None if the index cannot be read."""


def examine_store(directory: Path) -> StoreState:
    """Open a store for reading and look; changes nothing.

    Raises:
        StoreUnavailableError: It cannot be read; says why.
    """
    writer = describe_holder(directory / "locks" / "turn-b") or describe_locker(directory / "chats.db")
    engine = SqliteEngine.open(directory, read_only=True)
    try:
        schema, conversations = engine.read(
            lambda tx: (tx.row("PRAGMA user_version") or (0,)) + (tx.row("SELECT count(*) FROM conversation") or (0,))
        )
        behind = _behind(engine, directory)
    finally:
        engine.close()
    return StoreState(schema=schema, conversations=conversations, writer=writer, index_behind=behind)


def _behind(engine: SqliteEngine, directory: Path) -> int | None:
    index = SearchFile(directory)
    try:
        with index.reading() as reading:
            state = State(reading.connection)
        away = engine.read(lambda tx: behind(tx, state))
    except (UnusableIndexError, ChatkeepError):
        return None
    finally:
        index.close()
    return None if away.lost else away.behind


def sqlite_version() -> str:
    """The version of the SQLite that is loaded."""
    return apsw.sqlite_lib_version()


def refuse_unsafe_sqlite() -> None:
    """Raise UnsafeSqliteError if the loaded SQLite can corrupt a store."""
    connections.refuse_unsafe_sqlite(sqlite_version())


def refuse_network_file_system(place: Path) -> None:
    """Raise NetworkFilesystemError if the directory lies on a network file system."""
    reason = network_reason(place)
    if reason is not None:
        raise NetworkFilesystemError(f"{place}: {reason}, where a database can be damaged")


def file_system(place: Path) -> str:
    """The type of file system that a directory lies on, as the system calls it; ``local`` where it does not say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return "local"
    mount = find_mount(str(place.resolve()), mounts)
    return "local" if mount is None else mount.type
