"""Settings in, wired services out: the only place that picks an engine."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from functools import partial
from pathlib import Path

from chatkeep.blobs import DirectoryBlobs
from chatkeep.encoding import clean_text
from chatkeep.errors import InstanceError, StoreError, UsageError
from chatkeep.instances import Layout, create, instance_directory
from chatkeep.model import utc_now
from chatkeep.store import Store
from chatkeep.store.flushing import Flusher
from chatkeep.store.following import Follower
from chatkeep.store.index import DeferredIndex, Index
from chatkeep.store.pruning import prune_changes
from chatkeep.store.sqlite import Durability, FilePresence, SqliteEngine

_log = logging.getLogger(__name__)

DEFAULT_APP_ID = "chatkeep"
DEFAULT_OWNER = "local"


class Opened:
    """A wired store, where it lies, and how to let go of it."""

    def __init__(self, store: Store, layout: Layout, flusher: Flusher, follower: Follower, *, read_only: bool) -> None:
        self.store = store
        self.layout = layout
        self.flusher = flusher
        self.follower = follower
        self.read_only = read_only
        self._pid = os.getpid()
        self._closing = threading.Lock()
        self._closer: int | None = None

    @property
    def is_inherited(self) -> bool:
        """Whether this is a forked child's copy, which has nothing to release, and locks of threads it has not."""
        return os.getpid() != self._pid

    def close(self) -> None:
        """End what is being streamed and followed, release index and engine; repeating it is harmless."""
        if self.is_inherited:
            return
        self.store.engine.refuse_inside_write()
        if self._closer == threading.get_ident():
            return  # a signal handler has interrupted this very call, which goes on after it
        # One after the other: the second to come must not close the engine before the first has ended its replies.
        with self._closing:
            self._closer = threading.get_ident()
            try:
                with contextlib.ExitStack() as steps:
                    for step in (self.store.engine, self.store.index, self.flusher, self.follower):
                        steps.callback(step.close)
            finally:
                self._closer = None


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
    if not owner or clean_text(owner)[1]:
        raise UsageError("an owner has a name, of characters that can be stored")
    directory = directory_of(where)
    _refuse_unnameable(directory)
    layout = Layout(directory) if read_only else create(directory)
    engine = SqliteEngine.open(layout.directory, read_only=read_only, durability=durability)
    index = DeferredIndex(partial(_open_index, engine))
    store = Store(engine, DirectoryBlobs(layout.blobs), index, owner)
    presence = FilePresence(engine.directory / "locks", read_only=engine.read_only)
    opened = Opened(store, layout, Flusher(engine, presence), Follower(engine), read_only=read_only)
    try:
        if not engine.read_only:
            _tidy(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _refuse_unnameable(directory: Path) -> None:
    try:
        os.path.realpath(directory).encode()
    except UnicodeEncodeError as error:
        raise InstanceError(
            f"{directory}: a name in this path is not UTF-8, so SQLite cannot open a file there: rename it,"
            " or choose another place with --home DIR"
        ) from error


def _open_index(engine: SqliteEngine) -> Index:
    from chatkeep.store.sqlite.search import SearchIndex  # a third of all that opening a store would have to load

    return SearchIndex(engine, engine.directory, read_only=engine.read_only)


def _tidy(opened: Opened) -> None:
    try:
        opened.flusher.recover()
        prune_changes(opened.store.engine, utc_now())
    except StoreError as error:
        # A full disk must not keep anybody from reading; the next opening tries again.
        _log.warning("what programs that are gone left behind could not be tidied: %s", error.code)
