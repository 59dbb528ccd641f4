"""What opening makes, shares, refuses and leaves alone."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import apsw
import pytest

from chatkeep.errors import (
    NetworkFilesystemError,
    StoreClosedError,
    StoreCorruptError,
    StoreForeignError,
    StoreUnavailableError,
    UnsafeSqliteError,
)
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite import engine as engine_module
from chatkeep.store.sqlite.connections import can_corrupt_wal, refuse_unsafe_sqlite
from chatkeep.store.sqlite.schema import APPLICATION_ID
from tests.faults.notes import add, count, open_notes, texts


def _pragma(engine: SqliteEngine, name: str) -> object:
    row = engine.write(lambda tx: tx.row(f"PRAGMA {name}"))
    assert row is not None
    return row[0]


def test_the_real_schema_opens_and_introduces_itself(directory: Path) -> None:
    engine = SqliteEngine.open(directory)
    row = engine.read(lambda tx: tx.row("SELECT one, store_id, epoch, purge_key FROM store"))
    engine.close()

    assert row is not None
    assert row[0] == 1
    assert len({row[1], row[2]}) == 2
    assert [len(row[1]), len(row[2]), len(row[3])] == [32, 32, 32]


def test_a_writer_promises_what_it_must(engine: SqliteEngine) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "trusted_schema": 0,
        "page_size": 4096,
        "application_id": APPLICATION_ID,
        "mmap_size": 0,
    }

    assert {name: _pragma(engine, name) for name in expected} == expected


def test_durability_of_the_process_syncs_less(directory: Path) -> None:
    engine = open_notes(directory, durability="process")

    assert _pragma(engine, "synchronous") == 1
    engine.close()


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX's")
def test_only_the_owner_can_read_the_files(directory: Path) -> None:
    engine = open_notes(directory)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [directory, *directory.iterdir()]}
    engine.close()

    assert modes == {"store": 0o700, "locks": 0o700, "chats.db": 0o600, "chats.db-wal": 0o600, "chats.db-shm": 0o600}


def test_a_clean_end_leaves_one_file(directory: Path) -> None:
    engine = open_notes(directory)
    engine.write(add("kept"))
    engine.read(count)
    engine.close()

    assert sorted(path.name for path in directory.iterdir()) == ["chats.db", "locks"]


def test_an_empty_file_is_a_fresh_store(directory: Path) -> None:
    directory.mkdir()
    (directory / "chats.db").touch()

    engine = open_notes(directory)

    assert engine.write(add("first")) == 1
    engine.close()


def test_a_database_of_another_program_is_refused_untouched(directory: Path) -> None:
    directory.mkdir()
    foreign = apsw.Connection(str(directory / "chats.db"))
    foreign.execute("PRAGMA journal_mode = WAL")
    foreign.execute("CREATE TABLE chats (id)")
    foreign.close()
    before = (directory / "chats.db").read_bytes()

    for read_only in (False, True):
        with pytest.raises(StoreForeignError, match="not made by Chatkeep"):
            open_notes(directory, read_only=read_only)

    assert (directory / "chats.db").read_bytes() == before
    assert [path.name for path in directory.iterdir()] == ["chats.db"]


@pytest.mark.parametrize("content", [b"x", b"not a database at all" * 500, bytes(8_192)])
def test_what_is_no_database_is_refused_untouched(directory: Path, content: bytes) -> None:
    directory.mkdir()
    (directory / "chats.db").write_bytes(content)

    with pytest.raises(StoreForeignError, match="not a database"):
        open_notes(directory)

    assert (directory / "chats.db").read_bytes() == content
    assert [path.name for path in directory.iterdir()] == ["chats.db"]


def test_a_damaged_store_is_called_corrupt(directory: Path) -> None:
    engine = open_notes(directory)
    for number in range(200):
        engine.submit(add(f"{number} " + "x" * 500))
    engine.close()
    content = bytearray((directory / "chats.db").read_bytes())
    content[4_096 * 4 :] = b"\xaa" * (len(content) - 4_096 * 4)
    (directory / "chats.db").write_bytes(content)

    damaged = open_notes(directory)
    with pytest.raises(StoreCorruptError, match="restore the newest backup"):
        damaged.read(texts)
    assert damaged.integrity() != []
    damaged.close()


def test_a_file_where_the_directory_should_be_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("in the way")

    with pytest.raises(StoreUnavailableError, match="store"):
        open_notes(tmp_path / "store")


def test_openings_of_one_directory_share_a_store(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(directory, target_is_directory=True)
    first = open_notes(directory)
    second = open_notes(tmp_path / "alias")
    reading = open_notes(directory, read_only=True)

    assert first._store is second._store is reading._store
    first.close()
    first.close()
    second.write(add("still open"))
    assert reading.read(texts) == ["still open"]
    second.close()
    assert reading.read(texts) == ["still open"]
    reading.close()


def test_the_last_to_close_releases_everything(directory: Path) -> None:
    first = open_notes(directory)
    first.close()
    second = open_notes(directory)

    assert first._store is not second._store
    second.close()


def test_threads_that_open_at_once_get_one_store(directory: Path) -> None:
    engines: list[SqliteEngine] = []
    gate = threading.Barrier(8)

    def open_it() -> None:
        gate.wait()
        engines.append(open_notes(directory))

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(engine._store) for engine in engines}) == 1
    for engine in engines:
        engine.close()


def test_openings_that_promise_different_things_take_turns(directory: Path) -> None:
    full = open_notes(directory)
    quick = open_notes(directory, durability="process")

    for number in range(20):
        full.write(add(f"full {number}"))
        quick.write(add(f"quick {number}"))

    assert full.read(count) == quick.read(count) == 40
    full.close()
    quick.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_refuses_and_harms_nothing(directory: Path) -> None:
    engine = open_notes(directory)
    engine.write(add("parent"))
    engine.read(count)
    engine.submit(add("by the writer thread")).result(30)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = []
        try:
            for call in (
                lambda: engine.write(add("child")),
                lambda: engine.read(texts),
                lambda: engine.wait_for_commit(0),
            ):
                try:
                    call()
                    answer.append("done")
                except StoreClosedError:
                    answer.append("refused")
            engine.close()
            mine = open_notes(directory)
            answer.append(str(mine.write(add("child, opened anew"), timeout_s=10)))
            mine.close()
        finally:
            os.write(writing, ",".join(answer).encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        answer = pipe.read().split(",")

    assert answer == ["refused", "refused", "refused", "3"]
    engine.write(add("parent again"))
    assert engine.read(texts) == ["parent", "by the writer thread", "child, opened anew", "parent again"]
    assert engine.integrity(full=True) == []
    engine.close()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 44, 99), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 54, 1), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_that_can_corrupt_a_store_are_known(version: tuple[int, int, int], affected: bool) -> None:
    assert can_corrupt_wal(version) is affected


def test_an_unsafe_sqlite_is_refused_with_advice() -> None:
    with pytest.raises(UnsafeSqliteError, match="upgrade"):
        refuse_unsafe_sqlite("3.45.1")


def test_a_network_file_system_is_refused_for_writing_only(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_notes(directory).close()
    monkeypatch.setattr(engine_module, "network_reason", lambda _place: "/share is a nfs4 file system")

    with pytest.raises(NetworkFilesystemError, match="nfs4"):
        open_notes(directory)

    reading = open_notes(directory, read_only=True)
    assert reading.read(count) == 0
    reading.close()
    alone = open_notes(directory, allow_network_filesystem=True)
    assert alone.write(add("at own risk")) == 1
    alone.close()
