"""Group commit: one connection writes, one thread at a time leads, one sync acknowledges all that it took along.

The thread that finds the writer free leads: it runs its own work at once and then, in the same transaction, what
others queued meanwhile. Who finds it taken queues, and the writer thread leads the next group. Whoever leads is in
``_lead`` and has the turn of all processes.

Ctrl-C can strike the main thread between any two of its steps. So whatever must not be half done is one step of C, and
what an interrupted leader left is put in order by a thread of its own, which no signal reaches.
"""

from __future__ import annotations

import _thread
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from chatkeep.errors import StoreBusyError, StoreClosedError, StoreIOError, StoreUnavailableError, UsageError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.groups import Groups
from chatkeep.store.sqlite.items import GROUP_S, Item
from chatkeep.store.sqlite.lock_holders import describe_locker
from chatkeep.store.sqlite.turnstile import Turnstile

T = TypeVar("T")

CHECKPOINT_PAGES: Final = 1_000
"""How much the write-ahead log grows until it is copied into the database; SQLite's own default."""

_clock = time.monotonic
_start_thread = _thread.start_new_thread
_this_thread = threading.get_ident


class Writer:
    """The only writer of this process to one database."""

    def __init__(
        self,
        connection: apsw.Connection,
        turnstile: Turnstile,
        *,
        database: Path,
        known_schema: int,
        after_commit: Callable[[], None],
        on_growth: Callable[[], None],
    ) -> None:
        """Take over the connection; nobody else may use it from now on.

        Args:
            after_commit: Called after each acknowledged group, by whoever led it.
            on_growth: Called after a commit that found the write-ahead log longer than ``checkpoint_at`` pages.
        """
        self.connection = connection
        self.wal_pages = 0
        self.checkpoint_at = CHECKPOINT_PAGES
        self._turnstile = turnstile
        self._database = database
        self._after_commit = after_commit
        self._on_growth = on_growth
        self._queue: deque[Item] = deque()
        self._groups = Groups(connection, self._queue, database=database, known_schema=known_schema)
        # Empty while nobody leads. `setdefault` takes it and says who has it in one step, which a lock cannot.
        self._lead: dict[None, object] = {}
        self._leader = 0
        self._bell = threading.Lock()
        self._bell.acquire()
        self._thread: threading.Thread | None = None
        self._thread_guard = threading.Lock()
        self._closing = False
        connection.set_wal_hook(self._note_wal_pages)

    @property
    def commits(self) -> int:
        """How many transactions were committed; groups make it smaller than the number of writes."""
        return self._groups.commits

    # --- for any thread ----------------------------------------------------------------------------------------------

    def write(self, work: Callable[[Transaction], T], *, timeout_s: float) -> T:
        """See :meth:`chatkeep.store.engine.Engine.write`."""
        if self._leader == _this_thread():
            raise UsageError(
                "a write was begun inside another one, or in the callback of one's future: do both in one transaction,"
                " or this one on another thread"
            )
        item = Item(work)
        begun = _clock()
        try:
            if not self._queue and self._lead.setdefault(None, item) is item and self._try_lead(item):
                return item.outcome()  # type: ignore[no-any-return]  # what `work` returned
            if not self._has_thread() and self._lead_without_thread(item, begun + timeout_s):
                return item.outcome()  # type: ignore[no-any-return]  # the same
        except Exception:
            if self._lead.get(None) is item:
                _start_thread(self._clean_up, (item,))
            raise
        except BaseException:
            # Between the interruption and this call no other signal is looked at.
            self._leader = 0
            try:
                _start_thread(self._clean_up, (item,))
            except RuntimeError:  # there may be no more threads, or the interpreter is ending
                self._clean_up(item)
            raise
        return self._wait_for(item, timeout_s - (_clock() - begun))  # type: ignore[no-any-return]  # the same

    def submit(self, work: Callable[[Transaction], T], *, group_s: float = GROUP_S) -> Future[T]:
        """See :meth:`chatkeep.store.engine.Engine.submit`."""
        item = Item(work, group_s=group_s)
        future: Future[T] = Future()
        item.future = future
        self._enqueue(item)
        return future

    def exclusive(self, chore: Callable[[], T], *, timeout_s: float) -> T:
        """Run ``chore`` on the writer thread between transactions, while nobody who takes turns writes."""
        if self._leader == _this_thread():
            raise UsageError("this was called inside a write: call it afterwards")
        return self._wait_for(Item(chore=chore), timeout_s)  # type: ignore[no-any-return]  # what `chore` returned

    def refuse_inside(self) -> None:
        """Raise UsageError in the midst of a write of this thread, e.g. in a signal handler."""
        if self._leader == _this_thread():
            raise UsageError(
                f"{self._database}: it was to be closed while this thread writes, as in a signal handler: raise"
                " SystemExit there, and close where that is caught"
            )

    def close(self, *, timeout_s: float) -> bool:
        """Finish what is queued and end the writer thread.

        Returns:
            False if it still waits for its turn after the timeout; what is queued has failed then, and the writer's
            files must stay open.
        """
        self._closing = True
        self._ring()
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                self._fail_queue()
                return False
        # A thread that leads its own group ends first; then nobody can lead any more.
        while self._lead.setdefault(None, self) is not self:
            time.sleep(0.000_5)
        self._fail_queue()
        return True

    def disinherit(self) -> None:
        """In a forked child: never touch the connection again."""
        self._closing = True
        self._groups.disinherit()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _enqueue(self, item: Item) -> None:
        if self._closing:
            raise self._closed_error()
        if not self._has_thread():
            raise StoreUnavailableError(f"{self._database}: no thread to write can be started: end some, try again")
        item.since = _clock()
        self._queue.append(item)
        # A leader looks at the queue once more after it has ceased to lead.
        if not self._lead:
            self._ring()
        self._refuse_late(item)

    def _refuse_late(self, item: Item) -> None:
        """Whoever queued after the last look of a writer that is being closed would wait for ever."""
        if self._closing and self._withdraw(item):
            raise self._closed_error()

    def _has_thread(self) -> bool:
        """Whether there is a writer thread, started if need be; the system or an ending interpreter may refuse."""
        if self._thread is None and not self._closing:
            with self._thread_guard:
                if self._thread is None:
                    thread = threading.Thread(target=self._serve, name="chatkeep-writer", daemon=True)
                    try:
                        thread.start()
                    except RuntimeError:
                        return False
                    self._thread = thread
        return True

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # it rings already
            self._bell.release()

    def _wait_for(self, item: Item, timeout_s: float) -> Any:
        done = item.done = threading.Lock()
        done.acquire()
        try:
            self._enqueue(item)
            in_time = done.acquire(timeout=min(max(timeout_s, 0), threading.TIMEOUT_MAX))
        except BaseException:
            self._withdraw(item)
            raise
        if not in_time:
            if self._withdraw(item):
                raise self._busy_error(timeout_s)
            done.acquire()  # it has begun, so its end is near
        return item.outcome()

    def _withdraw(self, item: Item) -> bool:
        try:
            self._queue.remove(item)
        except ValueError:
            return False
        return True

    def _closed_error(self) -> StoreClosedError:
        return StoreClosedError(f"{self._database}: the store is closed, or inherited over fork: open it again")

    def _busy_error(self, waited_s: float) -> StoreBusyError:
        # Who waits inside SQLite although it is our turn waits for somebody who does not take turns.
        holder = describe_locker(self._database) if self._groups.is_locked_out else self._turnstile.holder()
        return StoreBusyError(
            f"{self._database}: {holder or 'another program'} kept the write lock for {waited_s:.3g} s;"
            " this write was withdrawn: wait for that program or end it, then try again"
        )

    def _fail_queue(self) -> None:
        while self._queue:
            with contextlib.suppress(IndexError):
                item = self._queue.popleft()
                if item.begin():
                    item.error = self._closed_error()
                    item.acknowledge()

    # --- leading -----------------------------------------------------------------------------------------------------

    def _try_lead(self, item: Item) -> bool:
        """Lead a group that begins with ``item``; False if another process has the turn, and nothing was done."""
        self._leader = _this_thread()
        led = not self._closing and self._turnstile.try_enter()
        if led:
            led = self._groups.run(item)
            self._turnstile.leave()
            self._groups.acknowledge()
        self._cease()
        if led:
            self._after_group()
        return led

    def _lead_without_thread(self, item: Item, end: float) -> bool:
        """Lead as soon as the turn is free; False if the store is closed meanwhile."""
        begun = _clock()
        while not self._closing:
            if self._lead.setdefault(None, item) is item and self._try_lead(item):
                return True
            if _clock() >= end:
                raise self._busy_error(_clock() - begun)
            time.sleep(0.001)
        return False

    def _cease(self) -> None:
        self._leader = 0
        self._lead.clear()
        if self._queue:
            self._ring()

    def _after_group(self) -> None:
        self._after_commit()
        if self.wal_pages >= self.checkpoint_at:
            self._on_growth()

    def _clean_up(self, item: Item) -> None:
        """After :meth:`write` ended with an error: undo, hand the others on, cease to lead, as far as that is due."""
        if self._lead.get(None) is item:
            self._groups.abandon()
            self._turnstile.reset()
            self._cease()
        elif self._queue:
            self._ring()

    def _serve(self) -> None:
        """The writer thread."""
        while True:
            self._bell.acquire()
            # If somebody else leads, then that one rings again.
            while self._queue and self._lead.setdefault(None, self) is self:
                self._leader = _this_thread()
                try:
                    self._serve_once()
                finally:
                    self._cease()
                self._after_group()
            if self._closing and not self._queue:
                return

    def _serve_once(self) -> None:
        try:
            self._turnstile.enter()
        except StoreIOError as error:
            self._groups.fail(error)
        else:
            self._run_one()
            self._turnstile.leave()
        self._groups.acknowledge()

    def _run_one(self) -> None:
        try:
            if not self._do_chore():
                self._groups.run(None)
        except BaseException as error:  # noqa: BLE001  # without this thread all others would wait for ever
            self._groups.break_off(error)

    def _do_chore(self) -> bool:
        """Run the first of the queue if it is a chore."""
        try:
            item = self._queue.popleft()
        except IndexError:
            return False
        if item.chore is None:
            self._queue.appendleft(item)
            return False
        try:
            item.value = item.chore()
        except BaseException as error:  # noqa: BLE001  # the outermost frame of a worker: it belongs to whoever asked
            item.error = error
        item.acknowledge()
        return True

    def _note_wal_pages(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self.wal_pages:
            self.checkpoint_at = CHECKPOINT_PAGES
        self.wal_pages = pages
        return apsw.SQLITE_OK
