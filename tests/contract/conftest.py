"""One suite for every engine: a new one joins by its name in ``ENGINES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatkeep.blobs import DirectoryBlobs
from chatkeep.store import Store
from chatkeep.store.engine import Engine
from chatkeep.store.flushing import Flusher
from chatkeep.store.following import Follower
from chatkeep.store.sqlite import FilePresence, SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex
from chatkeep.store.streams import Streams

ENGINES = ("sqlite",)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    assert request.param == "sqlite"
    opened = SqliteEngine.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Iterator[Store]:
    yield from _store(engine, tmp_path, "local")


@pytest.fixture
def other_store(engine: Engine, tmp_path: Path) -> Iterator[Store]:
    """The same database, another owner."""
    yield from _store(engine, tmp_path, "somebody-else")


def _store(engine: Engine, tmp_path: Path, owner: str) -> Iterator[Store]:
    assert isinstance(engine, SqliteEngine)
    index = SearchIndex(engine, tmp_path / "store")
    yield Store(engine, DirectoryBlobs(tmp_path / "store" / "blobs"), index, owner)
    index.close()


MakeFlusher = Callable[[], Flusher]
NEVER_S = 3_600.0


@pytest.fixture
def make_flusher(engine: Engine) -> Iterator[MakeFlusher]:
    """Flushers that act as if each were another process; they flush when a test says so."""
    made: list[Flusher] = []

    def make() -> Flusher:
        assert isinstance(engine, SqliteEngine)
        made.append(Flusher(engine, FilePresence(engine.directory / "locks"), interval_s=NEVER_S))
        return made[-1]

    yield make
    for flusher in made:
        flusher.close()


@pytest.fixture
def flusher(make_flusher: MakeFlusher) -> Flusher:
    return make_flusher()


@pytest.fixture
def streams(flusher: Flusher, store: Store) -> Streams:
    return Streams(flusher, store.owner)


@pytest.fixture
def follower(engine: Engine) -> Iterator[Follower]:
    opened = Follower(engine)
    yield opened
    opened.close()
