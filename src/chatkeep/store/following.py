"""Following the change log: one thread per process and store waits for commits and hands changes to all who follow.

A follower that is slow costs nobody anything: its queue is bounded, and when it overflows it goes on from the log.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from chatkeep.errors import HistoryLostError, StoreClosedError, StoreError
from chatkeep.store.change_cursors import order_of
from chatkeep.store.engine import Engine

if TYPE_CHECKING:
    from chatkeep.store.changes import Change, Changes

_log = logging.getLogger(__name__)

QUEUE_CHANGES: Final = 1_000
_WAIT_S: Final = 0.25
# Under constant writing the log is read a hundred times a second, not once per commit.
_GATHER_S: Final = 0.01


class Following(Iterator["Change"]):
    """Changes in commit order, as they come. Close it, or use it in a ``with`` block; from one thread at a time.

    Iterating ends when it, the follower or the store is closed, or when its timeout passes without a change.
    It raises HistoryLostError when the log no longer holds its place: start over without a cursor.
    """

    def __init__(
        self,
        feed: _Feed,
        cursor: str,
        *,
        timeout_s: float | None,
        leave: Callable[[Following], None],
        on_ready: Callable[[], None] | None,
    ) -> None:
        self.cursor = cursor
        """The place after the last change that was given out, to go on from another time."""
        self._feed = feed
        self._timeout_s = timeout_s
        self._leave = leave
        self._on_ready = on_ready
        self._pid = os.getpid()
        self._queue: deque[Change] = deque()
        self._given: deque[Change] = deque()
        self._ready = threading.Condition()
        self._is_behind = True
        self._is_closed = False
        self._floor = ("", 0)

    # --- for who follows ---------------------------------------------------------------------------------------------

    def take(self) -> list[Change]:
        """What is there now, without waiting for more; it may read the log."""
        if os.getpid() != self._pid:
            raise StoreClosedError("changes cannot be followed over fork: open the store again in this process")
        with self._ready:
            if self._is_closed:
                return []
            found = list(self._queue)
            self._queue.clear()
            is_behind = self._is_behind
        if not found and is_behind:
            try:
                page = self._feed.changes.since(self.cursor)
            except StoreClosedError:
                self.end()
                return []
            self.cursor = page.cursor
            if not page.more:
                self._feed.join(self)
            return page.changes
        if found:
            self.cursor = found[-1].cursor
        return found

    @property
    def is_ready(self) -> bool:
        """Whether :meth:`take` may have something, or it is closed."""
        return bool(self._queue) or self._is_behind or self._is_closed

    @property
    def is_closed(self) -> bool:
        """Whether nothing will come any more."""
        return self._is_closed

    def __next__(self) -> Change:
        end = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        while not self._given:
            self._given.extend(self.take())
            if not self._given and not self._wait(end):
                raise StopIteration
        return self._given.popleft()

    def _wait(self, end: float | None) -> bool:
        with self._ready:
            while not self.is_ready:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._ready.wait(left)
            return not self._is_closed

    def close(self) -> None:
        """End the iteration, also one that waits in another thread. Repeatable."""
        if os.getpid() == self._pid:  # a forked child may have inherited locks of threads that it has not
            self._leave(self)
            self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- for the follower --------------------------------------------------------------------------------------------

    def offer(self, changes: list[tuple[tuple[str, int], Change]]) -> None:
        """Queue changes, each with its place; if there is no room, they are read from the log later."""
        with self._ready:
            if self._is_behind or self._is_closed:
                return
            wanted = [change for order, change in changes if order > self._floor]
            if len(self._queue) + len(wanted) > QUEUE_CHANGES:
                self._queue.clear()
                self._is_behind = True
            else:
                self._queue.extend(wanted)
            self._wake()

    def fall_behind(self) -> None:
        """Make it read the log itself, and meet what is wrong there."""
        with self._ready:
            self._queue.clear()
            self._is_behind = True
            self._wake()

    def catch_up(self, floor: tuple[str, int]) -> None:
        """From here on it is offered everything behind ``floor``."""
        with self._ready:
            self._floor = floor
            self._is_behind = False

    def end(self) -> None:
        """Nothing will come any more."""
        with self._ready:
            self._is_closed = True
            self._queue.clear()
            self._wake()

    def _wake(self) -> None:
        self._ready.notify_all()
        if self._on_ready is not None:
            try:
                self._on_ready()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread of all who follow
                _log.error("a follower's on_ready failed: %s", type(error).__name__)


class _Feed:
    """One owner's log, read once for all who follow it."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.followings: set[Following] = set()
        self._guard = threading.Lock()
        self._cursor = changes.cursor()

    def join(self, following: Following) -> None:
        """Offer changes to one that has read the log to its end, unless the feed has read further meanwhile."""
        with self._guard:
            floor = order_of(following.cursor)
            if order_of(self._cursor) <= floor:
                following.catch_up(floor)

    def pump(self) -> None:
        """Read what is new and offer it. Raises StoreError."""
        more = True
        while more:
            with self._guard:
                try:
                    page = self.changes.since(self._cursor)
                except HistoryLostError:
                    self._cursor = self.changes.cursor()
                    for following in tuple(self.followings):
                        following.fall_behind()
                    return
                self._cursor, more = page.cursor, page.more
                if page.changes:
                    placed = [(order_of(change.cursor), change) for change in page.changes]
                    for following in tuple(self.followings):
                        following.offer(placed)


class Follower:
    """What all who follow changes share in one process and store. Close it before its engine.

    Its thread lives while somebody follows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._feeds: dict[str, _Feed] = {}
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def follow(
        self,
        changes: Changes,
        cursor: str | None,
        *,
        timeout_s: float | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> Following:
        """See :meth:`chatkeep.store.changes.Changes.follow`."""
        if cursor is None:
            cursor = changes.cursor()
        order_of(cursor)
        with self._guard:
            if self._stopping.is_set():
                raise StoreClosedError("the store is closed")
            feed = self._feeds.get(changes.owner)
            if feed is None:
                feed = self._feeds[changes.owner] = _Feed(changes)
            following = Following(feed, cursor, timeout_s=timeout_s, leave=self._leave, on_ready=on_ready)
            feed.followings.add(following)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="chatkeep-follower", daemon=True)
                self._thread.start()
        return following

    def close(self) -> None:
        """End all iterations and stop; repeatable."""
        with self._guard:
            self._stopping.set()
            thread = self._thread
        if thread is not None:
            thread.join()
        self._end_all()

    def _leave(self, following: Following) -> None:
        with self._guard:
            for owner, feed in list(self._feeds.items()):
                feed.followings.discard(following)
                if not feed.followings:
                    del self._feeds[owner]

    def _run(self) -> None:
        is_failing = False
        while (feeds := self._current_feeds()) is not None:
            try:
                self._engine.wait_for_commit(_WAIT_S)
                for feed in feeds:
                    feed.pump()
                is_failing = False
            except StoreClosedError:
                self._end_all()
                return
            except StoreError as error:
                if not is_failing:
                    _log.warning("changes cannot be followed just now: %s", error.code)
                is_failing = True
            self._stopping.wait(_GATHER_S)

    def _current_feeds(self) -> list[_Feed] | None:
        with self._guard:
            if self._stopping.is_set() or not self._feeds:
                self._thread = None
                return None
            return list(self._feeds.values())

    def _end_all(self) -> None:
        with self._guard:
            feeds, self._feeds = self._feeds, {}
            self._thread = None
        for feed in feeds.values():
            for following in tuple(feed.followings):
                following.end()
