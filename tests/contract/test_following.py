"""Following the change log: nothing twice, nothing missing, whoever is slow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice

import pytest

from chatkeep.errors import CursorError, HistoryLostError, StoreClosedError
from chatkeep.store import Store, following
from chatkeep.store.changes import Changes
from chatkeep.store.engine import Engine
from chatkeep.store.following import Follower, Following
from chatkeep.store.sqlite import SqliteEngine

SOON_S = 10.0


@pytest.fixture
def changes(engine: Engine, store: Store, follower: Follower) -> Changes:
    return Changes(engine, store.owner, follower)


@pytest.fixture
def chat(store: Store) -> str:
    return store.conversations.create(title="Tea").id


def _append(store: Store, chat: str, *, count: int, start: int = 0) -> list[str]:
    return [store.messages.append(chat, "user", str(start + n)).id for n in range(count)]


def _ids(found: Following, *, count: int) -> list[str]:
    return [change.id for change in islice(found, count)]


def test_what_is_committed_from_now_on_is_given_in_order(store: Store, changes: Changes, chat: str) -> None:
    with changes.follow(timeout=SOON_S) as found:
        ids = _append(store, chat, count=5)

        assert _ids(found, count=5) == ids


def test_changes_written_while_waiting_arrive(store: Store, changes: Changes, chat: str) -> None:
    with changes.follow(timeout=SOON_S) as found:
        writer = threading.Thread(target=_append, args=(store, chat), kwargs={"count": 300})
        writer.start()

        ids = _ids(found, count=300)
        writer.join()

    assert ids == [message.id for message in store.messages.list(chat).items]


def test_a_cursor_goes_on_where_it_ended(store: Store, changes: Changes, chat: str) -> None:
    start = changes.cursor()
    ids = _append(store, chat, count=4)
    with changes.follow(start, timeout=SOON_S) as found:
        cursor = [change.cursor for change in islice(found, 2)][-1]

    with changes.follow(cursor, timeout=SOON_S) as found:
        assert _ids(found, count=2) == ids[2:]


def test_it_ends_when_nothing_comes_in_time(changes: Changes) -> None:
    assert list(changes.follow(timeout=0.01)) == []


@pytest.mark.parametrize("end", ["following", "follower"])
def test_closing_lets_a_waiting_thread_go(changes: Changes, follower: Follower, end: str) -> None:
    found = changes.follow()
    seen: list[object] = []
    waiting = threading.Thread(target=lambda: seen.append(list(found)))
    waiting.start()

    (found if end == "following" else follower).close()
    waiting.join(SOON_S)

    assert seen == [[]]
    assert list(found) == []


def test_who_is_slow_misses_nothing_and_holds_nobody_up(
    store: Store, changes: Changes, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "QUEUE_CHANGES", 10)
    with changes.follow(timeout=SOON_S) as slow, changes.follow(timeout=SOON_S) as quick:
        ids = _append(store, chat, count=1)
        assert _ids(slow, count=1) == _ids(quick, count=1) == ids
        for start in range(0, 200, 20):
            ids += _append(store, chat, count=20, start=start)
            assert _ids(quick, count=20) == ids[-20:]

        assert len(slow._queue) <= 10
        assert _ids(slow, count=200) == ids[1:]
        ids += _append(store, chat, count=5)
        assert _ids(slow, count=5) == _ids(quick, count=5) == ids[-5:]


def test_others_changes_are_not_seen(
    engine: Engine, store: Store, other_store: Store, follower: Follower, changes: Changes, chat: str
) -> None:
    with Changes(engine, other_store.owner, follower).follow(timeout=SOON_S) as theirs:
        _append(store, chat, count=3)
        conversation = other_store.conversations.create()

        assert _ids(theirs, count=1) == [conversation.id]


def test_a_restored_store_ends_the_history(engine: Engine, store: Store, changes: Changes, chat: str) -> None:
    """What came between is unknown, so silence would be a lie."""
    assert isinstance(engine, SqliteEngine)
    with changes.follow(timeout=SOON_S) as found:
        ids = _append(store, chat, count=1)
        assert _ids(found, count=1) == ids
        engine.new_epoch()

        with pytest.raises(HistoryLostError):
            next(found)

    with changes.follow(timeout=SOON_S) as anew:
        ids = _append(store, chat, count=1)
        assert _ids(anew, count=1) == ids


def test_nonsense_is_no_cursor(changes: Changes) -> None:
    with pytest.raises(CursorError):
        changes.follow("nonsense")


def test_a_closed_follower_is_not_followed(changes: Changes, follower: Follower) -> None:
    follower.close()

    with pytest.raises(StoreClosedError):
        changes.follow()


def test_a_store_that_is_closed_ends_the_iteration(engine: Engine, changes: Changes) -> None:
    found = changes.follow()
    engine.close()

    assert list(found) == []


def test_without_followers_there_is_no_thread(changes: Changes) -> None:
    found = changes.follow()
    [thread] = [thread for thread in threading.enumerate() if thread.name == "chatkeep-follower"]

    found.close()
    thread.join(SOON_S)

    assert not thread.is_alive()


def test_who_is_told_that_something_is_there_finds_it(store: Store, changes: Changes, chat: str) -> None:
    """What an event loop builds on: it cannot wait in a thread."""
    told = threading.Event()
    with changes.follow(on_ready=told.set) as found:
        assert _taken(found, told, lambda: None) == []
        ids = _append(store, chat, count=1)

        assert _taken(found, told, lambda: told.wait(SOON_S)) == ids


def _taken(found: Following, told: threading.Event, wait: Callable[[], object]) -> list[str]:
    while True:
        wait()
        told.clear()
        taken = found.take()
        if taken or not found.is_ready:
            return [change.id for change in taken]


def test_a_failing_callback_ends_nobodys_following(store: Store, changes: Changes, chat: str) -> None:
    """One thread serves all who follow; without it they would wait for ever."""

    def fail() -> None:
        raise LookupError

    with changes.follow(on_ready=fail) as failing, changes.follow(timeout=SOON_S) as found:
        failing.take()  # nothing yet: from here on it is told
        ids = _append(store, chat, count=1)
        assert _ids(found, count=1) == ids
        ids = _append(store, chat, count=1, start=1)
        assert _ids(found, count=1) == ids
