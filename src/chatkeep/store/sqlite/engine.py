"""The SQLite engine: one database file, used by many threads and processes that take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import apsw

from chatkeep.errors import NetworkFilesystemError, StoreClosedError, StoreReadOnlyError
from chatkeep.instances.filesystem import network_reason
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import maintenance, schema
from chatkeep.store.sqlite.connections import Durability, refuse_unsafe_sqlite
from chatkeep.store.sqlite.items import GROUP_S
from chatkeep.store.sqlite.live_store import LiveStore, make_directories
from chatkeep.store.sqlite.read_only import ReadOnlyStore
from chatkeep.store.sqlite.registry import openings, registry

T = TypeVar("T")

DATABASE_NAME: Final = "chats.db"

_NETWORK_ADVICE: Final = (
    "two machines could damage the store there: move it to a local disk, or open it for reading only"
)


class SqliteEngine:
    """One opening of a store; see :class:`chatkeep.store.engine.Engine`.

    All openings of one directory in a process share its connections and its writer. After a ``fork`` the child's
    openings are closed: it must open the store itself.
    """

    name = "sqlite"

    def __init__(self, store: LiveStore | ReadOnlyStore, *, read_only: bool, release: Callable[[], None]) -> None:
        """Used by :meth:`open`."""
        self.directory = store.database.parent
        self.read_only = read_only or isinstance(store, ReadOnlyStore)
        self._store = store
        self._release: Callable[[], None] | None = release
        self._read: Callable[..., Any] = store.readers.run if isinstance(store, LiveStore) else store.run
        self._write: Callable[..., Any] = self._refuse_read_only
        self._submit: Callable[..., Any] = self._refuse_read_only
        if isinstance(store, LiveStore) and not self.read_only:
            self._write = store.writer.write
            self._submit = store.writer.submit
        openings.add(self)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        read_only: bool = False,
        durability: Durability = "full",
        allow_network_filesystem: bool = False,
        before_migration: schema.BeforeMigration | None = None,
        migrations: Sequence[schema.Migration] | None = None,
        vfs: str | None = None,
    ) -> SqliteEngine:
        """Open the store in ``directory``; make it if there is none, bring its schema up to date.

        Args:
            read_only: Change nothing. Works where nothing can be written, and on network file systems.
            durability: ``process`` survives the end of the process, but not a power cut.
            allow_network_filesystem: Write although locks cannot be trusted there; for those who are alone with it.
            before_migration: Called with the found and the wanted schema before an existing store is changed, while
                no process writes; raising leaves it as it is.
            migrations: In place of this program's own, for tests.
            vfs: The name of a SQLite file layer, for tests.

        Raises:
            NetworkFilesystemError, StoreForeignError, StoreCorruptError, StoreNewerError, StoreMissingError,
            StorePermissionError, StoreFullError, StoreIOError, StoreBusyError: It was not opened; nothing was changed.
        """
        steps = schema.known_migrations() if migrations is None else migrations
        database = directory.resolve() / DATABASE_NAME
        reason = None if allow_network_filesystem else network_reason(database.parent)
        if read_only:
            return cls._open_to_read(database, steps=steps, vfs=vfs, trust_locks=reason is None)
        refuse_unsafe_sqlite(apsw.sqlite_lib_version())
        if reason is not None:
            raise NetworkFilesystemError(f"{database.parent}: {reason}: {_NETWORK_ADVICE}")

        make_directories(database, vfs=vfs)

        def make() -> LiveStore:
            return LiveStore(
                database, durability=durability, before_migration=before_migration, migrations=steps, vfs=vfs
            )

        key = _key(database, durability, steps=steps, vfs=vfs)
        store = registry.acquire(key, make)
        assert isinstance(store, LiveStore)
        return cls(store, read_only=False, release=partial(registry.release, key))

    @classmethod
    def _open_to_read(
        cls, database: Path, *, steps: Sequence[schema.Migration], vfs: str | None, trust_locks: bool
    ) -> SqliteEngine:
        # Files that this process writes are read through the connections that it has.
        for durability in ("full", "process"):
            key = _key(database, durability, steps=steps, vfs=vfs)
            live = registry.join(key)
            if live is not None:
                assert isinstance(live, LiveStore)
                return cls(live, read_only=True, release=partial(registry.release, key))

        def make() -> ReadOnlyStore:
            return ReadOnlyStore(database, known_schema=steps[-1].number, vfs=vfs, trust_locks=trust_locks)

        key = _key(database, "read-only", steps=steps, vfs=vfs)
        store = registry.acquire(key, make)
        assert isinstance(store, ReadOnlyStore)
        return cls(store, read_only=True, release=partial(registry.release, key))

    # --- see chatkeep.store.engine.Engine ----------------------------------------------------------------------------

    def submit(self, work: Callable[[Transaction], T], *, group_s: float = GROUP_S) -> Future[T]:
        """See :class:`chatkeep.store.engine.Engine`.

        Args:
            group_s: How long its group may take others along before it is committed; imports ask for more.
        """
        return self._submit(work, group_s=group_s)  # type: ignore[no-any-return]  # one of two typed functions

    def write(self, work: Callable[[Transaction], T], *, timeout_s: float = 30.0) -> T:
        """See :class:`chatkeep.store.engine.Engine`."""
        return self._write(work, timeout_s=timeout_s)  # type: ignore[no-any-return]  # what `work` returned

    def read(self, work: Callable[[Transaction], T]) -> T:
        """See :class:`chatkeep.store.engine.Engine`. ``work`` may be run again, if the files changed under it."""
        return self._read(work)  # type: ignore[no-any-return]  # what `work` returned

    def close(self) -> None:
        """See :class:`chatkeep.store.engine.Engine`."""
        self.refuse_inside_write()
        release, self._release = self._release, None
        if release is not None:
            self._shut()
            release()

    def refuse_inside_write(self) -> None:
        """See :class:`chatkeep.store.engine.Engine`."""
        if self._release is not None and isinstance(self._store, LiveStore):
            self._store.writer.refuse_inside()

    # --- beyond the contract -----------------------------------------------------------------------------------------

    def wait_for_commit(self, timeout_s: float) -> bool:
        """Wait until anybody, in this process or another, has committed since this thread last got True here.

        The first call of a thread returns True at once. A commit of this process wakes at once, one of another
        within a quarter of a second.
        """
        if self._release is None:
            self._refuse_closed()
        return self._store.commits.wait(timeout_s)

    def sizes(self) -> dict[str, int]:
        """See :class:`chatkeep.store.engine.Engine`."""
        return maintenance.sizes(self._store.database)

    def integrity(self, *, full: bool = False) -> list[str]:
        """What is wrong with the database, one line each; empty if nothing is.

        Args:
            full: Also compare indexes with tables, and follow every reference; reads everything.
        """
        return maintenance.integrity(self.read, full=full)

    def purge_space(self, *, timeout_s: float = 30.0) -> None:
        """Make sure that deleted bytes are in no file of the database any more.

        Raises:
            StoreBusyError: A reader kept the old state for so long; nothing is lost, try again later.
        """
        if self._release is None:
            self._refuse_closed()
        if self.read_only or not isinstance(self._store, LiveStore):
            self._refuse_read_only()
        maintenance.purge_space(self._store.writer, self._store.checkpointer, timeout_s=timeout_s)

    def new_epoch(self) -> str:
        """Give the store a new epoch, which tells everybody who follows its changes to start over."""
        return self.write(maintenance.new_epoch)

    def disinherit(self) -> None:
        """In a forked child: refuse every further call."""
        self._release = None
        self._shut()

    def _shut(self) -> None:
        self._read = self._write = self._submit = self._refuse_closed

    def _refuse_closed(self, *_arguments: object, **_options: object) -> NoReturn:
        raise StoreClosedError(
            f"{self.directory}: the store is closed, or was inherited over fork: open it again in this process"
        )

    def _refuse_read_only(self, *_arguments: object, **_options: object) -> NoReturn:
        raise StoreReadOnlyError(f"{self.directory}: the store was opened for reading only")


def _key(database: Path, sharing: str, *, steps: Sequence[schema.Migration], vfs: str | None) -> tuple[object, ...]:
    """Equal for what can be shared: the same directory by any name, the same promises."""
    try:
        about = database.parent.stat()
        place: object = (about.st_dev, about.st_ino)
    except OSError:
        place = str(database)
    return (place, sharing, steps[-1].number, vfs)
