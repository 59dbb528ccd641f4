"""Reading where nothing may be written: beside writers, from a directory that is closed, from a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatkeep.errors import StoreMissingError, StoreReadOnlyError
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.read_only import ReadOnlyStore, Sight, choose_sight
from tests.faults.actors import acting
from tests.faults.notes import NEWER_NOTES, add, count, open_notes, texts


def _sight(engine: SqliteEngine) -> Sight:
    assert isinstance(engine._store, ReadOnlyStore)
    return engine._store.sight


def _content(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


@pytest.fixture
def clean(directory: Path) -> Path:
    """A store that was closed, so that nothing waits in its log."""
    engine = open_notes(directory)
    engine.write(add("kept"))
    engine.close()
    return directory


@pytest.fixture
def torn(directory: Path, tmp_path: Path) -> Path:
    """A store whose writer was killed: the note is only in the log."""
    with acting("open", directory, "unused") as opener:
        assert opener.line() == "ready"
    engine = open_notes(directory)
    engine.write(add("in the log"))
    copy = tmp_path / "torn"
    shutil.copytree(directory, copy)
    engine.close()
    (copy / "chats.db-shm").unlink()
    return copy


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no directory could be written. Tests may run as root, whom permissions do not bind."""
    real = os.access

    def access(path: Path, mode: int) -> bool:
        return not mode & os.W_OK and real(path, mode)

    monkeypatch.setattr(os, "access", access)


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Shows a directory through a mount that cannot be written; skips where that is not allowed."""
    mounted: list[Path] = []

    def freeze(directory: Path) -> Path:
        place = tmp_path / f"frozen-{len(mounted)}"
        place.mkdir()
        steps = (["mount", "--bind", directory, place], ["mount", "-o", "remount,ro,bind", place])
        if sys.platform != "linux" or shutil.which("mount") is None:
            pytest.skip("needs Linux's mount")
        for step in steps:
            if subprocess.run(list(map(str, step)), check=False, capture_output=True).returncode != 0:
                pytest.skip("mounting is not allowed here")
            if place not in mounted:
                mounted.append(place)
        return place

    yield freeze
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(
    ("wal_bytes", "has_index", "is_writable", "trust_locks", "expected"),
    [
        (None, False, True, True, Sight.LIVE),
        (100, True, True, True, Sight.LIVE),
        (100, False, True, True, Sight.LIVE),
        (100, True, False, True, Sight.LIVE),
        (0, True, False, True, Sight.LIVE),
        (None, True, False, True, Sight.FIXED),
        (None, False, False, True, Sight.FIXED),
        (0, False, False, True, Sight.FIXED),
        (100, False, False, True, Sight.COPY),
        (100, True, True, False, Sight.COPY),
        (None, False, True, False, Sight.FIXED),
        (0, True, True, False, Sight.FIXED),
    ],
)
def test_the_way_to_read_fits_what_is_there(
    wal_bytes: int | None, has_index: bool, is_writable: bool, trust_locks: bool, expected: Sight
) -> None:
    sight = choose_sight(wal_bytes=wal_bytes, has_index=has_index, is_writable=is_writable, trust_locks=trust_locks)

    assert sight is expected


def test_a_read_only_engine_reads_and_refuses_to_write(clean: Path) -> None:
    engine = open_notes(clean, read_only=True)

    assert engine.read(texts) == ["kept"]
    assert engine.read_only
    assert engine.integrity(full=True) == []
    for call in (lambda: engine.write(add("x")), lambda: engine.submit(add("x")), engine.purge_space, engine.new_epoch):
        with pytest.raises(StoreReadOnlyError):
            call()
    engine.close()


def test_a_read_cannot_write(engine: SqliteEngine) -> None:
    with pytest.raises(StoreReadOnlyError):
        engine.read(add("through the wrong door"))

    assert engine.read(count) == 0


def test_reading_alone_makes_no_store(directory: Path) -> None:
    with pytest.raises(StoreMissingError):
        open_notes(directory, read_only=True)

    assert not directory.exists()


def test_reading_alone_does_not_migrate(clean: Path) -> None:
    with pytest.raises(StoreReadOnlyError, match="older schema 1"):
        open_notes(clean, read_only=True, migrations=NEWER_NOTES)


def test_a_reader_sees_what_another_process_has_acknowledged(clean: Path) -> None:
    engine = open_notes(clean, read_only=True)
    with acting("open", clean, "new") as writer:
        assert writer.line() == "ready"
        assert engine.read(texts) == ["kept"]
        writer.tell()
        assert writer.line() == "2"

        assert engine.read(texts) == ["kept", "new"]
    assert _sight(engine) is Sight.LIVE
    engine.close()


def test_a_closed_directory_is_read_as_it_is(clean: Path, frozen: Callable[[Path], Path]) -> None:
    place = frozen(clean)

    engine = open_notes(place, read_only=True)

    assert engine.read(texts) == ["kept"]
    assert _sight(engine) is Sight.FIXED
    assert engine.wait_for_commit(0)
    assert not engine.wait_for_commit(0)
    engine.close()


def test_a_closed_directory_with_a_log_is_read_from_a_copy(torn: Path, frozen: Callable[[Path], Path]) -> None:
    before = _content(torn)
    place = frozen(torn)

    engine = open_notes(place, read_only=True)

    assert engine.read(texts) == ["in the log"]
    assert _sight(engine) is Sight.COPY
    engine.close()
    assert _content(torn) == before


def test_a_live_store_is_read_through_a_closed_directory(clean: Path, frozen: Callable[[Path], Path]) -> None:
    """Others may write where we may not."""
    place = frozen(clean)
    with acting("hold", clean) as writer:
        assert writer.line() == "holding"
        engine = open_notes(place, read_only=True)
        assert engine.read(texts) == ["kept"]
        writer.tell()
        assert writer.line() == "done"

        assert engine.read(texts) == ["kept", "half written"]
    engine.close()


@pytest.mark.usefixtures("sealed")
def test_the_copy_is_private_and_goes_away(torn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = _content(torn)

    engine = open_notes(torn, read_only=True)
    copies = list(scratch.iterdir())

    assert engine.read(texts) == ["in the log"]
    assert [copy.stat().st_mode & 0o777 for copy in copies] == [0o700]
    engine.close()
    assert list(scratch.iterdir()) == []
    assert _content(torn) == before


@pytest.mark.usefixtures("sealed")
def test_files_that_change_behind_a_reader_are_read_anew(clean: Path) -> None:
    engine = open_notes(clean, read_only=True)
    assert _sight(engine) is Sight.FIXED
    assert engine.read(texts) == ["kept"]
    engine.wait_for_commit(0)
    with acting("open", clean, "new") as writer:
        writer.line()
        writer.tell()
        assert writer.line() == "2"
        assert writer.end() == 0

    assert engine.wait_for_commit(0)
    assert engine.read(texts) == ["kept", "new"]
    engine.close()
