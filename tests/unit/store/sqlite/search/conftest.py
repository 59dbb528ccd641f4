"""A store and its index, as most tests here need them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex
from tests.search_corpus import open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SqliteEngine]:
    opened = open_engine(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def index(engine: SqliteEngine) -> Iterator[SearchIndex]:
    with SearchIndex(engine, engine.directory) as opened:
        yield opened
