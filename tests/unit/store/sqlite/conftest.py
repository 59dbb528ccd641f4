"""A store of notes for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.store.sqlite import SqliteEngine
from tests.faults.notes import open_notes


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def engine(directory: Path) -> Iterator[SqliteEngine]:
    opened = open_notes(directory)
    yield opened
    opened.close()
