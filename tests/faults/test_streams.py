"""Streams meet kill -9, stopped processes, forks and full disks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

import chatkeep
from chatkeep.errors import StoreClosedError, StoreFullError
from chatkeep.model import Message
from chatkeep.store import flushing
from chatkeep.store.conversations import Conversations
from chatkeep.store.flushing import Flusher
from chatkeep.store.lookup import message_row
from chatkeep.store.sqlite import FilePresence, SqliteEngine
from chatkeep.store.streams import Streams
from tests.faults.vfs import FullDisk

SOON_S = 30.0
PROGRAM = Path(__file__).with_name("streaming_process.py")
# Twice what is promised: the machine that runs the tests may be busy with others.
MOST_LOST_S = 0.5


class Process:
    """A running ``streaming_process.py``; killed with the block."""

    def __init__(self, directory: Path, command: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(directory), command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def tell(self) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write("go\n")

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(SOON_S)


def _message(engine: SqliteEngine, id: str) -> Message:
    return engine.read(lambda tx: message_row(tx, "local", id)[1])


def test_a_killed_process_loses_less_than_promised(tmp_path: Path) -> None:
    """The promise is 250 ms; what is there is a beginning without gaps."""
    with Process(tmp_path, "write") as writer:
        message_id = writer.line()
        for _ in range(8):
            assert writer.line()
        writer.kill()
        killed_at = time.monotonic_ns()

    with chatkeep.open(tmp_path) as keep:
        message = keep.messages.get(message_id)

    pieces = [piece.split(":") for piece in message.text.split()]
    assert message.status == "interrupted"
    assert [int(number) for number, _ in pieces] == list(range(len(pieces)))
    assert (killed_at - int(pieces[-1][1])) / 1e9 < MOST_LOST_S


def test_many_recoverers_end_each_stream_once(tmp_path: Path) -> None:
    with Process(tmp_path, "many") as writer:
        assert writer.line()
        writer.kill()
    engine = SqliteEngine.open(tmp_path)
    recoverers = [Process(tmp_path, "recover") for _ in range(4)]
    try:
        assert [process.line() for process in recoverers] == ["ready"] * 4
        for process in recoverers:
            process.tell()
        counts = [int(process.line()) for process in recoverers]
    finally:
        for process in recoverers:
            process.__exit__()

    assert sum(counts) == 20
    rows = engine.read(lambda tx: tx.rows("SELECT id FROM message ORDER BY seq"))
    messages = [_message(engine, row[0]) for row in rows]
    finished = engine.read(lambda tx: tx.rows("SELECT id FROM change WHERE op = 'finish' ORDER BY id"))
    engine.close()
    assert {(message.status, message.text) for message in messages} == {
        ("interrupted", f"reply {n}") for n in range(20)
    }
    assert [row[0] for row in finished] == sorted(message.id for message in messages)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals")
def test_a_stopped_process_goes_on_with_its_stream(tmp_path: Path) -> None:
    """A laptop that slept is not dead: a lease would have run out, a lock has not."""
    with Process(tmp_path, "finish") as writer:
        message_id = writer.line()
        os.kill(writer.popen.pid, signal.SIGSTOP)
        with chatkeep.open(tmp_path) as keep:
            assert keep.messages.get(message_id).status == "streaming"
            os.kill(writer.popen.pid, signal.SIGCONT)
            writer.tell()

            assert writer.line() == "complete"
            assert keep.messages.get(message_id).text == "slept well"


class Desk:
    """A store on a disk that a test can fill, with a flusher that works when it is told to."""

    def __init__(self, directory: Path, *, interval_s: float = 3_600.0) -> None:
        self.disk = FullDisk()
        self.engine = SqliteEngine.open(directory, vfs=self.disk.name)
        self.flusher = Flusher(self.engine, FilePresence(self.engine.directory / "locks"), interval_s=interval_s)
        self.streams = Streams(self.flusher, "local")
        self.chat_id = Conversations(self.engine, "local").create().id

    def message(self, id: str) -> Message:
        return _message(self.engine, id)

    def close(self) -> None:
        self.disk.room = None
        self.flusher.close()
        self.engine.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "store")
    yield opened
    opened.close()


def test_a_full_disk_is_told_to_the_writer_and_costs_no_text(desk: Desk) -> None:
    large = "x" * 400_000
    reply = desk.streams.open_stream(desk.chat_id)
    reply.write("one ")
    desk.flusher.flush()
    desk.disk.room = 0
    reply.write(large)
    desk.flusher.flush()

    with pytest.raises(StoreFullError):
        reply.write(" two")
    with pytest.raises(StoreFullError):
        reply.finish()
    assert desk.message(reply.message.id).text == "one "
    desk.disk.room = None
    desk.flusher.flush()

    reply.write(" three")
    assert desk.message(reply.message.id).text == f"one {large} two"
    assert reply.finish().text == f"one {large} two three"


def test_an_end_on_a_full_disk_is_written_later(desk: Desk) -> None:
    """The exception that broke the reply off goes on; nobody is left to call again."""
    reply = desk.streams.open_stream(desk.chat_id)

    def break_off() -> None:
        with reply:
            reply.write("x" * 400_000)
            raise LookupError("the model went away")

    desk.disk.room = 0
    with pytest.raises(LookupError):
        break_off()
    desk.flusher.flush()
    assert desk.message(reply.message.id).status == "streaming"
    desk.disk.room = None
    desk.flusher.flush()

    message = desk.message(reply.message.id)
    assert (message.status, len(message.text)) == ("failed", 400_000)


def test_the_thread_flushes_by_itself_rests_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flushing, "_LINGER_S", 0.01)
    desk = Desk(tmp_path / "store", interval_s=0.001)
    for text in ("first", "second"):
        with desk.streams.open_stream(desk.chat_id) as reply:
            reply.write(text)
            [thread] = [thread for thread in threading.enumerate() if thread.name == "chatkeep-flusher"]
            end = time.monotonic() + SOON_S
            while desk.message(reply.message.id).text != text and time.monotonic() < end:
                desk.engine.wait_for_commit(0.1)
            assert desk.message(reply.message.id).text == text
        thread.join(SOON_S)
        assert not thread.is_alive()
    desk.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_leaves_its_parents_stream_alone(desk: Desk) -> None:
    reply = desk.streams.open_stream(desk.chat_id)
    reply.write("parent")
    child = os.fork()
    if child == 0:
        try:
            with reply:
                reply.write("child")
        except StoreClosedError:
            os._exit(0)
        os._exit(1)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert reply.finish().text == "parent"
