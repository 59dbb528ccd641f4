"""What must not go wrong when threads cannot be started, signals strike and descriptors are short."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from chatkeep.errors import StoreUnavailableError, UsageError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.lock_holders import describe_holder
from chatkeep.store.sqlite.turnstile import Turnstile
from chatkeep.store.sqlite.writer import CHECKPOINT_PAGES
from tests.faults.notes import add, count, open_notes, texts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals, and locks that signals interrupt")


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a limit of threads, and in newer Pythons while the interpreter ends."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)


@contextmanager
def _turn_taken(directory: Path) -> Iterator[Turnstile]:
    """Somebody else, with descriptors of its own, has the turn."""
    other = Turnstile(directory / "locks")
    other.enter()
    try:
        yield other
    finally:
        other.close()


@contextmanager
def _alarm(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """A signal that strikes this thread soon, and again until it has ended the block."""
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_opening_waits_gives_the_turn_back(directory: Path) -> None:
    """Else the thread that stands in the queue would get the turn, and keep it until the process ends."""
    open_notes(directory).close()
    with _turn_taken(directory), _alarm(_interrupt), pytest.raises(KeyboardInterrupt):
        open_notes(directory)

    for thread in threading.enumerate():
        if thread.name == "chatkeep-turn":
            thread.join(10)
    assert describe_holder(directory / "locks" / "turn-b") is None
    opened = open_notes(directory)
    assert opened.write(add("after")) == 1
    opened.close()


def test_without_threads_a_write_waits_for_its_turn_itself(directory: Path, no_threads: None) -> None:
    engine = open_notes(directory)
    with _turn_taken(directory) as other, _alarm(lambda *_: other.leave()):
        assert engine.write(add("late")) == 1

    with pytest.raises(StoreUnavailableError, match="no thread"):
        engine.submit(add("never"))
    with _turn_taken(directory) as other, _alarm(lambda *_: other.leave()):
        engine.close()
    again = open_notes(directory)
    assert again.read(texts) == ["late"]
    again.close()


def test_a_write_that_is_durable_succeeds_even_if_the_log_cannot_be_shortened(
    directory: Path, no_threads: None
) -> None:
    """An error would make its caller write it once more."""
    engine = open_notes(directory)
    for number in range(1, 5):
        assert engine.write(add(str(number) * 4_096 * (CHECKPOINT_PAGES // 2))) == number

    assert engine.read(count) == 4
    engine.close()


def test_closing_in_a_signal_handler_in_the_midst_of_a_write_is_refused(engine: SqliteEngine) -> None:
    """It would wait for the write below it, for ever."""
    refused: list[UsageError] = []

    def close(_number: int, _frame: object) -> None:
        try:
            engine.close()
        except UsageError as error:
            refused.append(error)

    def work(tx: Transaction) -> int:
        while not refused:
            count(tx)
        return add("whole")(tx)

    with _alarm(close):
        assert engine.write(work) == 1

    assert "signal handler" in str(refused[0])
    assert engine.read(texts) == ["whole"]


def test_a_work_that_ends_its_thread_does_not_end_the_writer(engine: SqliteEngine) -> None:
    """Everybody who waits behind it would wait for ever."""

    def leave(tx: Transaction) -> None:
        add("undone")(tx)
        raise SystemExit

    broken = engine.submit(leave)
    following = engine.submit(add("kept"))

    assert isinstance(broken.exception(10), SystemExit)
    following.result(10)
    assert engine.read(texts) == ["kept"]


def test_an_opening_that_fails_leaves_no_descriptor_open(directory: Path) -> None:
    open_notes(directory).close()
    before = _descriptors()
    (directory / "locks" / "checkpoint").unlink()
    (directory / "locks" / "checkpoint").symlink_to("checkpoint")

    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            open_notes(directory)

    assert _descriptors() == before


def _descriptors() -> int:
    place = Path("/proc/self/fd")
    return sum(1 for _ in place.iterdir()) if place.is_dir() else 0
