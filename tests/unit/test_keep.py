"""The front door: opening and closing, in whatever state the program is."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import apsw
import pytest

import chatkeep
from chatkeep.bootstrap import Opened
from chatkeep.errors import StoreClosedError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.search.batch import Batch

SOON_S = 10.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_closes_at_once_whatever_its_parents_threads_hold(tmp_path: Path) -> None:
    """Locks are inherited as they are, and the threads that would release them are not."""
    with chatkeep.open(tmp_path / "home") as keep:
        chat = keep.conversations.create()
        reply = keep.messages.stream(chat.id)
        reply.write("the parent's")
        following = keep.changes.follow()
        opened = keep._opened
        with opened.follower._guard, opened.flusher._changed, reply._ending, keep.events._guard:
            child = os.fork()
            if child == 0:
                signal.alarm(10)  # a child that hangs is killed, which the parent sees
                try:
                    following.close()
                    keep.close()
                except BaseException:  # noqa: BLE001 - the child must not go on with the tests
                    os._exit(1)
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert reply.finish().text == "the parent's"


def test_an_opening_that_is_interrupted_releases_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the store would be in use until the process ends."""
    closed: list[Opened] = []
    close = Opened.close

    def interrupt(_flusher: object) -> int:
        raise KeyboardInterrupt

    def noted(opened: Opened) -> None:
        close(opened)
        closed.append(opened)

    monkeypatch.setattr("chatkeep.store.flushing.Flusher.recover", interrupt)
    monkeypatch.setattr(Opened, "close", noted)
    with pytest.raises(KeyboardInterrupt):
        chatkeep.open(tmp_path / "home")

    assert len(closed) == 1
    assert not (tmp_path / "home" / "chats.db-wal").exists()


@pytest.mark.parametrize("owner", ["", "nul \0", "half \ud83c"])
def test_an_owner_that_cannot_be_stored_is_refused_at_once(tmp_path: Path, owner: str) -> None:
    with pytest.raises(chatkeep.ChatkeepError):
        chatkeep.open(tmp_path / "home", owner=owner)
    assert not (tmp_path / "home").exists()


def test_whoever_closes_second_waits_until_the_first_has_ended_its_replies(tmp_path: Path) -> None:
    """Else the engine were closed below it, and the last words of a reply lost."""
    keep = chatkeep.open(tmp_path / "home")
    reply = keep.messages.stream(keep.conversations.create().id)
    begun, go_on = threading.Event(), threading.Event()

    def hold(_tx: Transaction) -> None:
        begun.set()
        assert go_on.wait(SOON_S)

    held = keep._store.engine.submit(hold)
    assert begun.wait(SOON_S)
    reply.write("last words")
    with ThreadPoolExecutor(2) as threads:
        closings = [threads.submit(keep.close) for _ in range(2)]
        done, _ = wait(closings, timeout=0.5)
        go_on.set()
    held.result()

    assert not done
    assert [closing.exception() for closing in closings] == [None, None]
    with chatkeep.open(tmp_path / "home") as again:
        message = again.messages.get(reply.message.id)
    assert (message.status, message.text) == ("interrupted", "last words")


def test_closing_waits_for_another_threads_step_in_the_search_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection cannot be closed below it, and must not stay open."""
    keep = chatkeep.open(tmp_path / "home")
    keep.messages.append(keep.conversations.create().id, "user", "green tea")
    begun, go_on = threading.Event(), threading.Event()
    write = Batch.write

    def slow(batch: Batch, connection: apsw.Connection) -> None:
        begun.set()
        assert go_on.wait(SOON_S)
        write(batch, connection)

    monkeypatch.setattr(Batch, "write", slow)
    with ThreadPoolExecutor(2) as threads:
        searching = threads.submit(keep.search, "tea", wait=True)
        assert begun.wait(SOON_S)
        closing = threads.submit(keep.close)
        done, _ = wait([closing], timeout=0.5)
        go_on.set()
        closing.result(SOON_S)

    assert not done
    assert isinstance(searching.exception(), StoreClosedError)
    assert not (tmp_path / "home" / "search.db-wal").exists()
    assert not (tmp_path / "home" / "chats.db-wal").exists()
