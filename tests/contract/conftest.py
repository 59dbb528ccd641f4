"""One suite for every engine: a new one joins by its name in ``ENGINES``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.blobs import DirectoryBlobs
from chatkeep.store import Store
from chatkeep.store.engine import Engine
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex

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
