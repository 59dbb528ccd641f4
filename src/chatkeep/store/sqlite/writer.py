"""Group commit: one connection writes, one thread at a time leads, one sync acknowledges all that it took along.

The thread that finds the writer free leads: it runs its own work at once and then, in the same transaction, what
others queued meanwhile. Who finds it taken queues, and the writer thread leads the next group. Whoever leads holds
``_busy`` and the turn of all processes; everything below that is not said otherwise runs under both.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from chatkeep.errors import (
    StoreBusyError,
    StoreClosedError,
    StoreError,
    StoreFullError,
    StoreIOError,
    StoreNewerError,
    UsageError,
)
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.failures import store_error
from chatkeep.store.sqlite.transaction import SqliteTransaction
from chatkeep.store.sqlite.turnstile import Turnstile

T = TypeVar("T")

GROUP_ITEMS: Final = 128
GROUP_S: Final = 0.005

_clock = time.monotonic


class Item:
    """One queued write: what to do, how long its group may grow, and what came of it."""

    __slots__ = ("chore", "done", "error", "future", "group_s", "value", "work")

    def __init__(self, work: Callable[[Transaction], Any] | None, *, group_s: float = GROUP_S) -> None:
        self.work = work
        self.chore: Callable[[], Any] | None = None
        self.group_s = group_s
        self.value: Any = None
        self.error: BaseException | None = None
        self.future: Future[Any] | None = None
        self.done: threading.Lock | None = None

    def acknowledge(self) -> None:
        """Tell whoever waits that the outcome is there."""
        if self.done is not None:
            self.done.release()
        elif self.future is not None:
            if self.error is None:
                self.future.set_result(self.value)
            else:
                self.future.set_exception(self.error)


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
    ) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._turnstile = turnstile
        self._database = database
        self._known_schema = known_schema
        self._after_commit = after_commit
        self._queue: deque[Item] = deque()
        # Re-entrant only because its release tells whether this thread owns it, which an interrupted call cannot know.
        self._busy = threading.RLock()
        self._leading = False
        self._committing = False
        self._group: list[Item] = []
        self._bell = threading.Lock()
        self._bell.acquire()
        self._thread: threading.Thread | None = None
        self._thread_guard = threading.Lock()
        self._closing = False
        self.commits = 0

    # --- for any thread ----------------------------------------------------------------------------------------------

    def write(self, work: Callable[[Transaction], T], *, timeout_s: float) -> T:
        """See :meth:`chatkeep.store.engine.Engine.write`."""
        item = Item(work)
        try:
            if not self._queue and self._busy.acquire(blocking=False):
                if self._leading:
                    self._busy.release()
                    raise UsageError("a write was begun inside another one: do both in one transaction")
                if self._try_lead(item):
                    if item.error is not None:
                        raise item.error
                    return item.value  # type: ignore[no-any-return]  # what `work` returned
        except BaseException:
            self._let_go()
            raise
        return self._wait_for(item, timeout_s)  # type: ignore[no-any-return]  # what `work` returned

    def submit(self, work: Callable[[Transaction], T], *, group_s: float = GROUP_S) -> Future[T]:
        """See :meth:`chatkeep.store.engine.Engine.submit`."""
        item = Item(work, group_s=group_s)
        future: Future[T] = Future()
        item.future = future
        self._enqueue(item)
        return future

    def exclusive(self, chore: Callable[[], T], *, timeout_s: float) -> T:
        """Run ``chore`` outside a transaction while no process of ours writes."""
        item = Item(None)
        item.chore = chore
        return self._wait_for(item, timeout_s)  # type: ignore[no-any-return]  # what `chore` returned

    def close(self, *, timeout_s: float) -> bool:
        """Finish what is queued and end the writer thread; False if it still waits for its turn after the timeout."""
        self._closing = True
        self._ring()
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
            return not thread.is_alive()
        return True

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _enqueue(self, item: Item) -> None:
        if self._closing:
            raise StoreClosedError(f"{self._database}: the store is closed")
        if self._thread is None:
            self._start()
        self._queue.append(item)
        # A leader looks at the queue once more after it has ceased to lead.
        if not self._leading:
            self._ring()

    def _start(self) -> None:
        with self._thread_guard:
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="chatkeep-writer", daemon=True)
                thread.start()
                self._thread = thread

    def _ring(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:
            pass  # it rings already

    def _wait_for(self, item: Item, timeout_s: float) -> Any:
        done = item.done = threading.Lock()
        done.acquire()
        self._enqueue(item)
        try:
            in_time = done.acquire(timeout=timeout_s)
        except BaseException:
            self._withdraw(item)
            raise
        if not in_time:
            if self._withdraw(item):
                raise self._busy_error(timeout_s)
            done.acquire()  # begun, so its end is near
        if item.error is not None:
            raise item.error
        return item.value

    def _withdraw(self, item: Item) -> bool:
        try:
            self._queue.remove(item)
        except ValueError:
            return False
        return True

    def _busy_error(self, waited_s: float) -> StoreBusyError:
        holder = self._turnstile.holder() or "another program"
        return StoreBusyError(
            f"{self._database}: {holder} kept the write lock for over {waited_s:g} s; this write was withdrawn:"
            " wait for it or end it, then try again"
        )

    # --- leading -----------------------------------------------------------------------------------------------------

    def _try_lead(self, item: Item) -> bool:
        """Lead a group that begins with ``item``; False if another process has the turn, and nothing was done."""
        if self._closing:
            raise StoreClosedError(f"{self._database}: the store is closed")
        self._leading = True
        entered = self._turnstile.try_enter()
        if entered:
            self._lead(item)
            self._turnstile.leave()
        self._leading = False
        self._busy.release()
        if self._queue:
            self._ring()
        return entered

    def _let_go(self) -> None:
        """After an interruption anywhere in :meth:`write`: undo, hand the others on, free the writer if we have it."""
        if not self._owns_busy():
            return
        group, self._group = self._group, []
        committed = self._committing and not self._connection.in_transaction
        self._committing = False
        if self._connection.in_transaction:
            self._execute("ROLLBACK")
        self._turnstile.reset()
        if committed:
            for item in group:
                item.acknowledge()
        else:
            self._queue.extendleft(reversed([item for item in group if item.done or item.future]))
        self._leading = False
        self._busy.release()
        if self._queue:
            self._ring()

    def _owns_busy(self) -> bool:
        # Releasing is the only public way to ask; taking it again cannot block while it is ours.
        try:
            self._busy.release()
        except RuntimeError:
            return False
        return self._busy.acquire()

    def _serve(self) -> None:
        while True:
            self._bell.acquire()
            while self._queue:
                with self._busy:
                    self._leading = True
                    self._turnstile.enter()
                    try:
                        self._lead(None)
                    finally:
                        self._turnstile.leave()
                        self._leading = False
            if self._closing and not self._queue:
                return

    def _lead(self, own: Item | None) -> None:
        """Run one group and acknowledge it."""
        group = self._group = []
        first = own or self._next()
        if first is None:
            return
        if first.chore is not None:
            self._do_chore(first)
            return
        try:
            self._begin()
            self._run_group(first, group)
        except apsw.Error as error:
            self._roll_back()
            self._one_by_one(group or [first], error)
        except StoreError as error:
            self._roll_back()
            first.error = error
            first.acknowledge()
        self._group = []
        self._after_commit()

    def _do_chore(self, item: Item) -> None:
        assert item.chore is not None
        try:
            item.value = item.chore()
        except apsw.Error as error:
            item.error = store_error(error, self._database)
        except BaseException as error:  # noqa: BLE001  # the outermost frame of a worker: it belongs to who asked
            item.error = error
        item.acknowledge()

    def _next(self) -> Item | None:
        try:
            item = self._queue.popleft()
        except IndexError:
            return None
        if item.future is not None and not item.future.set_running_or_notify_cancel():
            return self._next()
        return item

    def _begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")
        found = self._execute("PRAGMA user_version").fetchall()[0][0]
        if found > self._known_schema:
            raise StoreNewerError(found, self._known_schema)

    def _run_group(self, first: Item, group: list[Item]) -> None:
        group.append(first)
        self._run(first)
        if first.error is not None:
            self._roll_back()
            first.acknowledge()
            group.clear()
            return
        queue = self._queue
        if queue:
            end = _clock() + first.group_s
            while queue and len(group) < GROUP_ITEMS and _clock() < end and queue[0].chore is None:
                item = self._next()
                if item is None:
                    break
                group.append(item)
                self._execute("SAVEPOINT item")
                self._run(item)
                if item.error is not None:
                    if isinstance(item.error, (StoreFullError, StoreIOError)) or not self._connection.in_transaction:
                        raise apsw.AbortError("an item ended the whole transaction")
                    self._execute("ROLLBACK TO item")
                self._execute("RELEASE item")
        self._commit()
        for item in group:
            item.acknowledge()

    def _run(self, item: Item) -> None:
        assert item.work is not None
        transaction = SqliteTransaction(self._connection, self._database)
        try:
            item.value = item.work(transaction)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to whoever queued this work
            item.error = error
        finally:
            transaction.end()

    def _commit(self) -> None:
        self._committing = True
        self._execute("COMMIT")
        self._committing = False
        self.commits += 1

    def _roll_back(self) -> None:
        self._committing = False
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def _one_by_one(self, group: list[Item], error: apsw.Error) -> None:
        """After a failure that took the whole transaction along: each item alone, so that only the guilty ones fail."""
        alone = len(group) == 1
        for item in group:
            if alone:
                if item.error is None:
                    item.error = store_error(error, self._database)
            else:
                item.error = None
                try:
                    self._begin()
                    self._run(item)
                    if item.error is None:
                        self._commit()
                except apsw.Error as failure:
                    item.error = store_error(failure, self._database)
                self._roll_back()
            item.acknowledge()
