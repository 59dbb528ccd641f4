"""Processes that share a store: they take turns, and none suffers from how another one ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from chatkeep.errors import StoreBusyError, StoreNewerError
from tests.faults.actors import acting
from tests.faults.notes import NEWER_NOTES, add, count, open_notes, texts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these locks and signals are POSIX's")


def test_a_writer_that_is_killed_leaves_nothing_and_the_others_go_on(tmp_path: Path) -> None:
    with acting("hold", tmp_path) as holder:
        assert holder.line() == "holding"
        holder.kill()

    engine = open_notes(tmp_path)
    engine.write(add("after"), timeout_s=5)

    assert engine.read(texts) == ["after"]
    assert engine.integrity(full=True) == []
    engine.close()


def test_a_child_that_outlives_a_killed_writer_keeps_no_lock(tmp_path: Path) -> None:
    """A descriptor inherited over fork would keep the lock for as long as the child lives."""
    open_notes(tmp_path).close()
    with acting("fork", tmp_path) as parent:
        word, child = parent.line().split()
        assert word == "forked"
        engine = open_notes(tmp_path)
        engine.write(add("after"), timeout_s=5)

        assert engine.read(texts) == ["after"]
        engine.close()
        os.kill(int(child), signal.SIGKILL)


def test_waiting_ends_with_an_error_that_names_who_holds_the_lock(tmp_path: Path) -> None:
    engine = open_notes(tmp_path)
    with acting("hold", tmp_path) as holder:
        assert holder.line() == "holding"

        with pytest.raises(StoreBusyError, match=f"process {holder.process.pid} ") as caught:
            engine.write(add("withdrawn"), timeout_s=0.1)
        assert "withdrawn" in str(caught.value)

        holder.tell()
        assert holder.line() == "done"
    engine.write(add("later"))

    assert engine.read(texts) == ["half written", "later"]
    engine.close()


def test_a_program_that_takes_no_turns_is_waited_for_and_named(tmp_path: Path) -> None:
    engine = open_notes(tmp_path)
    with acting("lock-out", tmp_path) as shell:
        assert shell.line() == "locked"

        with pytest.raises(StoreBusyError, match=f"process {shell.process.pid} "):
            engine.write(add("withdrawn"), timeout_s=0.1)

        future = engine.submit(add("patient"))
        shell.tell()
        assert future.result(30) == 1
    assert engine.read(texts) == ["patient"]
    engine.close()


def test_many_first_openings_at_once_make_one_store_each(tmp_path: Path) -> None:
    """Switching a new file to WAL is where "database is locked" comes despite any timeout."""
    names = [f"opener-{number}" for number in range(8)]
    stores = 50
    with contextlib.ExitStack() as stack:
        openers = [stack.enter_context(acting("open-many", tmp_path, name, stores)) for name in names]
        assert [opener.line() for opener in openers] == ["ready"] * 8
        for number in range(stores):
            for opener in openers:
                opener.tell()
            assert [opener.line() for opener in openers] == [str(number)] * 8
        for opener in openers:
            opener.tell()
        assert [opener.end() for opener in openers] == [0] * 8

    for number in range(stores):
        engine = open_notes(tmp_path / str(number))
        assert sorted(engine.read(texts)) == sorted(names)
        engine.close()


def test_writers_in_several_processes_all_get_their_turn(tmp_path: Path) -> None:
    """No errors, nobody starves, nothing is lost; the numbers are far from what a quiet machine gives."""
    with contextlib.ExitStack() as stack:
        engine = open_notes(tmp_path)
        writers = [stack.enter_context(acting("add-many", tmp_path, f"w{number}", 1.5)) for number in range(4)]
        assert [writer.line() for writer in writers] == ["ready"] * 4
        for writer in writers:
            writer.tell()
        results = [json.loads(writer.line()) for writer in writers]

    added = [result["added"] for result in results]
    assert engine.read(count) == sum(added)
    assert min(added) > max(added) * 0.5
    assert max(result["longest_ms"] for result in results) < 3_000
    engine.close()


def test_readers_that_are_always_inside_do_not_let_the_log_grow(tmp_path: Path) -> None:
    """SQLite alone can start its log anew only at a moment without readers."""
    engine = open_notes(tmp_path)
    longest = 0
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(acting("read-always", tmp_path)) for _ in range(2)]
        assert [reader.line() for reader in readers] == ["ready"] * 2
        for number in range(1_000):
            engine.submit(add(f"{number} " + "x" * 50_000)).result(30)
            longest = max(longest, engine.sizes()["chats.db-wal"])
        for reader in readers:
            reader.tell("end")
            reader.end()

    assert longest < 40 * 1024 * 1024
    assert engine.read(count) == 1_000
    engine.close()


def test_an_older_program_stops_when_a_newer_one_has_changed_the_schema(tmp_path: Path) -> None:
    engine = open_notes(tmp_path)
    engine.write(add("before"))
    with acting("migrate", tmp_path) as newer:
        assert newer.end() == 0

    with pytest.raises(StoreNewerError) as caught:
        engine.write(add("by the older"))
    assert (caught.value.found, caught.value.known) == (2, 1)
    with pytest.raises(StoreNewerError):
        engine.submit(add("by the older")).result(30)
    engine.close()

    later = open_notes(tmp_path, migrations=NEWER_NOTES)
    assert later.read(texts) == ["before"]
    later.close()


def test_purging_names_the_reader_that_keeps_the_old_state(tmp_path: Path) -> None:
    engine = open_notes(tmp_path)
    engine.write(add("secret"))
    with acting("stay", tmp_path) as reader:
        assert reader.line() == "1"
        engine.write(lambda tx: tx.run("DELETE FROM note"))

        with pytest.raises(StoreBusyError, match=f"process {reader.process.pid} "):
            engine.purge_space(timeout_s=0.1)
        engine.write(add("writers go on"))

        reader.tell()
        assert reader.end() == 0
    engine.purge_space()

    assert engine.sizes()["chats.db-wal"] == 0
    engine.close()


def test_a_commit_of_another_process_wakes_who_waits(tmp_path: Path) -> None:
    engine = open_notes(tmp_path)
    assert engine.wait_for_commit(0)
    assert not engine.wait_for_commit(0)
    with acting("open", tmp_path, "by another") as other:
        assert other.line() == "ready"
        other.tell()

        assert engine.wait_for_commit(30)
    engine.close()
