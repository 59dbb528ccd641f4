"""Settings in, wired services out: the only place that picks an engine."""

from __future__ import annotations

from pathlib import Path

from chatkeep.blobs import DirectoryBlobs
from chatkeep.errors import UsageError
from chatkeep.instances import Layout, create, instance_directory
from chatkeep.store import Store
from chatkeep.store.sqlite import Durability, SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex

DEFAULT_APP_ID = "chatkeep"
DEFAULT_OWNER = "local"


class Opened:
    """A wired store, where it lies, and how to let go of it."""

    def __init__(self, store: Store, layout: Layout, *, read_only: bool) -> None:
        self.store = store
        self.layout = layout
        self.read_only = read_only

    def close(self) -> None:
        """Release index and engine; repeating it is harmless."""
        self.store.index.close()
        self.store.engine.close()


def directory_of(where: str | Path | None) -> Path:
    """The instance directory that a caller means: None and a plain text are app ids, a Path is the directory itself.

    Raises:
        UsageError: A URL, which this installation cannot open.
        InstanceError: The text cannot be an app id.
    """
    if isinstance(where, Path):
        return where
    if where is not None and "://" in where:
        raise UsageError(
            f"{where.split('://', 1)[0]}:// is not a place this version can keep chats in: give a directory"
        )
    return instance_directory(where or DEFAULT_APP_ID)


def open_store(
    where: str | Path | None = None,
    *,
    owner: str = DEFAULT_OWNER,
    read_only: bool = False,
    durability: Durability = "full",
) -> Opened:
    """Open the store of an instance, made on first use.

    Raises:
        InstanceError, StoreUnavailableError: The directory or its files cannot be used; the message says why.
    """
    if not owner:
        raise UsageError("an owner has a name")
    directory = directory_of(where)
    layout = Layout(directory) if read_only else create(directory)
    engine = SqliteEngine.open(layout.directory, read_only=read_only, durability=durability)
    index = SearchIndex(engine, layout.directory, read_only=read_only)
    store = Store(engine, DirectoryBlobs(layout.blobs), index, owner)
    return Opened(store, layout, read_only=read_only)
