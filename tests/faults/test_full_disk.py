"""A full or failing disk costs the writes that it hits, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import pytest

from chatkeep.errors import StoreFullError, StoreIOError, StoreUnavailableError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine
from tests.faults.notes import add, open_notes, texts
from tests.faults.vfs import FailingDisk, FullDisk

LARGE = "large " + "x" * 400_000


@pytest.fixture
def disk() -> FullDisk:
    return FullDisk()


@pytest.fixture
def engine(tmp_path: Path, disk: FullDisk) -> Iterator[SqliteEngine]:
    opened = open_notes(tmp_path / "store", vfs=disk.name)
    yield opened
    disk.room = None
    opened.close()


def _in_one_group(engine: SqliteEngine, *works: str) -> list[Future[int]]:
    """Queue additions while the writer is held, so that they share a transaction."""
    begun, go_on = Event(), Event()

    def hold(tx: Transaction) -> None:
        begun.set()
        assert go_on.wait(30)
        raise LookupError("so that this transaction is undone, and the next begins with what is queued")

    held = engine.submit(hold)
    assert begun.wait(30)
    futures = [engine.submit(add(text)) for text in works]
    go_on.set()
    assert isinstance(held.exception(30), LookupError)
    return futures


def test_a_full_disk_fails_the_write_and_keeps_everything_readable(engine: SqliteEngine, disk: FullDisk) -> None:
    engine.write(add("before"))
    disk.room = 0

    with pytest.raises(StoreFullError, match="free some space"):
        engine.write(add("too late"))

    assert engine.read(texts) == ["before"]


def test_writing_goes_on_as_soon_as_there_is_room(engine: SqliteEngine, disk: FullDisk) -> None:
    disk.room = 0
    with pytest.raises(StoreFullError):
        engine.write(add("too late"))
    disk.room = None

    engine.write(add("after"))

    assert engine.read(texts) == ["after"]
    assert engine.integrity(full=True) == []


def test_only_the_guilty_item_of_a_group_fails_when_the_disk_is_full(engine: SqliteEngine, disk: FullDisk) -> None:
    """SQLite undoes the whole transaction; the others must neither fail with it nor be written twice."""
    disk.room = 200_000

    small, large, other = _in_one_group(engine, "small", LARGE, "other")

    assert isinstance(large.exception(30), StoreFullError)
    assert [small.exception(30), other.exception(30)] == [None, None]
    assert engine.read(texts) == ["small", "other"]
    assert engine.integrity(full=True) == []


@pytest.mark.parametrize("room", range(0, 60_000, 4_500))
def test_a_disk_that_fills_up_anywhere_leaves_whole_notes(engine: SqliteEngine, disk: FullDisk, room: int) -> None:
    disk.room = room
    kept = []
    for number in range(8):
        text = f"{number} " + "y" * 3_000
        try:
            engine.write(add(text))
        except StoreFullError:
            continue
        kept.append(text)
    disk.room = None

    assert engine.read(texts) == kept
    assert engine.integrity(full=True) == []


@pytest.mark.parametrize("broken", ["write", "sync"])
def test_a_failing_disk_is_an_error_of_ours_and_passes(tmp_path: Path, broken: str) -> None:
    disk = FailingDisk()
    engine = open_notes(tmp_path / "store", vfs=disk.name)
    engine.write(add("before"))
    disk.broken = "write" if broken == "write" else "sync"

    with pytest.raises(StoreIOError):
        engine.write(add("lost"))
    disk.broken = None
    engine.write(add("after"))

    assert engine.read(texts) == ["before", "after"]
    engine.close()


def test_a_full_disk_at_the_first_opening_leaves_nothing_half_made(tmp_path: Path, disk: FullDisk) -> None:
    for room in range(0, 60_000, 5_000):
        disk.room = room
        try:
            open_notes(tmp_path / "store", vfs=disk.name).close()
        except StoreUnavailableError:
            continue
        break
    disk.room = None

    engine = open_notes(tmp_path / "store", vfs=disk.name)
    engine.write(add("made"))

    assert engine.read(texts) == ["made"]
    assert engine.integrity(full=True) == []
    engine.close()
