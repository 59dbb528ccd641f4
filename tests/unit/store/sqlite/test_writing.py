"""Group commit: who shares a transaction, in which order, and what one item's failure means to the others."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from chatkeep.errors import ConstraintError, StoreBusyError, StoreClosedError, UsageError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.groups import GROUP_ITEMS
from chatkeep.store.sqlite.live_store import LiveStore
from tests.faults.notes import add, texts
from tests.unit.store.sqlite.held_writer import held


def _commits(engine: SqliteEngine) -> int:
    assert isinstance(engine._store, LiveStore)
    return engine._store.writer.commits


def _fail(_tx: Transaction) -> None:
    raise ValueError("on purpose")


def test_a_write_returns_what_its_work_returns(engine: SqliteEngine) -> None:
    assert engine.write(add("one")) == 1
    assert engine.submit(add("two")).result(30) == 2


def test_a_failing_write_raises_its_own_error_and_changes_nothing(engine: SqliteEngine) -> None:
    def work(tx: Transaction) -> None:
        add("never")(tx)
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        engine.write(work)
    with pytest.raises(ValueError, match="on purpose"):
        engine.submit(work).result(30)

    assert engine.read(texts) == []


def test_what_is_queued_together_is_committed_together(engine: SqliteEngine) -> None:
    before = _commits(engine)

    with held(engine):
        futures = [engine.submit(add(f"note {number}"), group_s=10) for number in range(50)]

    assert [future.result(30) for future in futures] == list(range(1, 51))
    assert _commits(engine) == before + 1


def test_a_group_ends_so_that_the_first_need_not_wait_for_ever(engine: SqliteEngine) -> None:
    before = _commits(engine)

    with held(engine):
        futures = [engine.submit(add(f"note {number}"), group_s=60) for number in range(GROUP_ITEMS * 2 + 1)]

    assert [future.result(30) for future in futures][-1] == GROUP_ITEMS * 2 + 1
    assert _commits(engine) == before + 3


def test_a_group_ends_after_its_time(engine: SqliteEngine) -> None:
    """However much is queued; a span of nothing takes nobody along."""
    before = _commits(engine)

    with held(engine):
        futures = [engine.submit(add(f"note {number}"), group_s=0) for number in range(4)]

    assert [future.result(30) for future in futures] == [1, 2, 3, 4]
    assert _commits(engine) == before + 4


def test_writes_take_effect_in_the_order_in_which_they_were_submitted(engine: SqliteEngine) -> None:
    expected = [f"note {number}" for number in range(500)]

    futures = [engine.submit(add(text)) for text in expected[:-1]]
    engine.write(add(expected[-1]))

    assert engine.read(texts) == expected
    assert all(future.done() for future in futures)


def test_an_item_that_fails_undoes_itself_alone(engine: SqliteEngine) -> None:
    with held(engine):
        futures: list[Future[Any]] = [engine.submit(add("a")), engine.submit(add("a")), engine.submit(_fail)]
        futures.append(engine.submit(add("b")))

    errors = [type(future.exception(30)) for future in futures]
    assert errors == [type(None), ConstraintError, ValueError, type(None)]
    assert engine.read(texts) == ["a", "b"]


def test_an_item_whose_fault_shows_at_the_commit_fails_alone(engine: SqliteEngine) -> None:
    """A deferred reference is checked by COMMIT, which fails for the whole group; each is tried again."""
    runs: list[str] = []

    def noted(text: str) -> Callable[[Transaction], int]:
        def work(tx: Transaction) -> int:
            runs.append(text)
            return add(text)(tx)

        return work

    def broken(tx: Transaction) -> None:
        tx.run("INSERT INTO note (text, shelf) VALUES ('on no shelf', 99)")

    with held(engine):
        first, bad, last = engine.submit(noted("a")), engine.submit(broken), engine.submit(noted("b"))

    assert isinstance(bad.exception(30), ConstraintError)
    assert [first.exception(30), last.exception(30)] == [None, None]
    assert engine.read(texts) == ["a", "b"]
    assert runs == ["a", "b", "a", "b"]


def test_a_leading_thread_takes_others_along(engine: SqliteEngine) -> None:
    """It runs its own work at once and in its own thread, then what came meanwhile, and one commit does for all."""
    before = _commits(engine)
    queued: list[Future[int]] = []
    threads: list[int] = []

    def work(tx: Transaction) -> int:
        queued.extend(engine.submit(add(f"follower {number}"), group_s=10) for number in range(3))
        threads.append(threading.get_ident())
        return add("leader")(tx)

    assert engine.write(work) == 1
    assert all(future.done() for future in queued)
    assert threads == [threading.get_ident()]
    assert _commits(engine) == before + 1


def test_a_leader_whose_group_fails_still_gets_its_own_work_done(engine: SqliteEngine) -> None:
    bad: list[Future[Any]] = []

    def broken(tx: Transaction) -> None:
        tx.run("INSERT INTO note (text, shelf) VALUES ('on no shelf', 99)")

    def work(tx: Transaction) -> int:
        if not bad:
            bad.append(engine.submit(broken))
        return add("leader")(tx)

    assert engine.write(work) == 1
    assert isinstance(bad[0].exception(30), ConstraintError)
    assert engine.read(texts) == ["leader"]


def test_a_caller_that_waits_too_long_withdraws_its_work(engine: SqliteEngine) -> None:
    with held(engine), pytest.raises(StoreBusyError, match="another thread of this process"):
        engine.write(add("withdrawn"), timeout_s=0.02)

    engine.write(add("next"))

    assert engine.read(texts) == ["next"]


def test_a_cancelled_future_is_not_run(engine: SqliteEngine) -> None:
    with held(engine):
        first, cancelled, last = [engine.submit(add(text)) for text in ("a", "b", "c")]
        assert cancelled.cancel()

    assert [first.result(30), last.result(30)] == [1, 2]
    with pytest.raises(CancelledError):
        cancelled.result(30)
    assert engine.read(texts) == ["a", "c"]


def test_many_threads_write_without_losing_anything(engine: SqliteEngine) -> None:
    def write(name: str) -> None:
        for number in range(100):
            engine.write(add(f"{name}-{number}"))

    threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = engine.read(texts)
    assert len(found) == 800
    for number in range(8):
        mine = [text for text in found if text.startswith(f"t{number}-")]
        assert mine == [f"t{number}-{i}" for i in range(100)]


def test_a_write_inside_a_write_is_refused_at_once(engine: SqliteEngine) -> None:
    """It would wait for itself."""

    def work(tx: Transaction) -> None:
        add("outer")(tx)
        engine.write(add("inner"))

    with pytest.raises(UsageError, match="inside another"):
        engine.write(work)
    with pytest.raises(UsageError, match="inside another"):
        engine.submit(work).result(30)

    engine.write(add("after"))
    assert engine.read(texts) == ["after"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to itself")
def test_an_interrupted_leader_undoes_its_work_and_hands_the_others_on(engine: SqliteEngine) -> None:
    queued: list[Future[int]] = []

    def work(tx: Transaction) -> None:
        add("leader")(tx)
        queued.append(engine.submit(add("follower")))
        os.kill(os.getpid(), signal.SIGINT)
        # The signal is noticed between two steps of Python.
        for _ in range(1_000_000):
            pass

    with pytest.raises(KeyboardInterrupt):
        engine.write(work)

    assert queued[0].result(30) == 1
    assert engine.read(texts) == ["follower"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to itself")
def test_interruptions_anywhere_lose_nothing_and_write_nothing_twice(engine: SqliteEngine) -> None:
    """Ctrl-C at any moment of a leader with followers: every follower is done once, and the writer stays usable."""
    armed: list[bool] = []

    def interrupt(_number: int, _frame: object) -> None:
        if armed:
            armed.clear()  # once for each write, or the test itself would be hit
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    futures: dict[str, Future[int]] = {}
    thread = threading.Thread(target=_submit_and_interrupt, args=(engine, futures))
    thread.start()
    finished, interrupted, number = [], 0, 0
    try:
        while thread.is_alive():
            number += 1
            try:
                armed.append(True)
                engine.write(add(f"leader {number}"))
                armed.clear()
                finished.append(f"leader {number}")
            except KeyboardInterrupt:
                interrupted += 1
    finally:
        armed.clear()
        thread.join()
        signal.signal(signal.SIGINT, before)

    errors = [future.exception(30) for future in futures.values()]
    found = engine.read(texts)
    assert interrupted > 20
    assert len(found) == len(set(found))
    assert set(finished) <= set(found)
    assert errors == [None] * len(futures)
    assert set(futures) <= set(found)
    assert engine.write(add("the writer is free")) > 0


def _submit_and_interrupt(engine: SqliteEngine, futures: dict[str, Future[int]]) -> None:
    main = threading.main_thread().ident
    assert main is not None
    for number in range(400):
        text = f"follower {number}"
        futures[text] = engine.submit(add(text))
        signal.pthread_kill(main, signal.SIGINT)
        if number % 3:
            futures[text].exception(30)


def test_closing_finishes_what_is_queued(engine: SqliteEngine) -> None:
    futures = [engine.submit(add(f"note {number}")) for number in range(300)]

    engine.close()

    assert [future.result(0) for future in futures] == list(range(1, 301))


def test_a_closed_engine_refuses_everything_and_closes_again(engine: SqliteEngine) -> None:
    engine.close()
    engine.close()

    calls: list[Callable[[], object]] = [
        lambda: engine.write(add("x")),
        lambda: engine.submit(add("x")),
        lambda: engine.read(texts),
        lambda: engine.wait_for_commit(0),
        engine.purge_space,
        engine.new_epoch,
        engine.integrity,
    ]
    for call in calls:
        with pytest.raises(StoreClosedError):
            call()


def test_a_commit_wakes_who_waits_for_one(engine: SqliteEngine) -> None:
    assert engine.wait_for_commit(0)
    assert not engine.wait_for_commit(0)
    woken = []
    ready = threading.Event()

    def wait() -> None:
        engine.wait_for_commit(0)
        ready.set()
        begun = time.monotonic()
        woken.append((engine.wait_for_commit(30), time.monotonic() - begun))

    thread = threading.Thread(target=wait)
    thread.start()
    assert ready.wait(30)
    engine.write(add("news"))
    thread.join()

    assert woken[0][0]
    assert engine.wait_for_commit(0)


def test_closing_lets_go_who_waits_for_a_commit(engine: SqliteEngine) -> None:
    engine.wait_for_commit(0)
    ready = threading.Event()

    def wait() -> None:
        engine.wait_for_commit(0)
        ready.set()
        with contextlib.suppress(StoreClosedError):
            engine.wait_for_commit(60)

    thread = threading.Thread(target=wait)
    thread.start()
    assert ready.wait(30)
    engine.close()
    thread.join(30)

    assert not thread.is_alive()
