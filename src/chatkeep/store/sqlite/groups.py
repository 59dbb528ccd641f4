"""One transaction for many writes, and what becomes of each of them when it fails."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any, Final, NoReturn

import apsw

from chatkeep.errors import StoreBusyError, StoreClosedError, StoreError, StoreFullError, StoreIOError, StoreNewerError
from chatkeep.store.sqlite.failures import store_error
from chatkeep.store.sqlite.items import Item
from chatkeep.store.sqlite.transaction import SqliteTransaction

GROUP_ITEMS: Final = 128
PATIENCE_S: Final = 30.0
"""How long a submitted write outlasts a program that locks the database without taking turns."""

_claim = deque.popleft
_take_last = list.pop
_clock = time.monotonic


class _GroupFailedError(Exception):
    """One item may have undone the others with itself."""


class Groups:
    """Runs groups. Used by one thread at a time, the one that has the turn of this process and of all processes."""

    def __init__(self, connection: apsw.Connection, queue: deque[Item], *, database: Path, known_schema: int) -> None:
        self.commits = 0
        self.is_locked_out = False
        self._connection = connection
        self._execute: Callable[..., Any] = connection.execute
        self._data_version = connection.data_version
        self._queue = queue
        self._database = database
        self._known_schema = known_schema
        self._seen = -1
        self._committing = False
        self._group: list[Item] = []

    def run(self, own: Item | None) -> bool:
        """Run one group; :meth:`acknowledge` is due afterwards, once the turn was handed on.

        Args:
            own: The work of the leading thread, which comes first and is not queued.

        Returns:
            False if ``own`` did not begin because somebody who takes no turns has the database locked.
        """
        self._committing = False
        group = self._group
        if own is not None:
            group.append(own)
        try:
            self._begin()
        except (apsw.Error, StoreError) as error:
            self._roll_back()
            return self._fail_to_begin(error)
        try:
            self._run_all(group)
        except (apsw.Error, _GroupFailedError) as error:
            # First of all: with this set, an interruption here would take the failed commit for a good one.
            self._committing = False
            self._roll_back()
            self._part(group, error)
            if own is not None and own.alone and own.error is None:
                return self.run(own)
        return True

    def acknowledge(self) -> None:
        """Tell all of the group that is over. Repeating it is harmless."""
        for item in self._group:
            item.acknowledge()
        self._group = []

    def fail(self, error: BaseException) -> None:
        """Nothing can begin: the first in the queue gets the error."""
        if not self._group:
            self._claim_next()
        for item in self._group:
            item.error = error

    def break_off(self, error: BaseException) -> None:
        """After a failure that nobody foresaw: keep what is durable, undo what is not and let it fail."""
        if self._committing and not self._connection.in_transaction:
            return
        with contextlib.suppress(apsw.Error):
            self._roll_back()
        self.fail(error)

    def abandon(self) -> None:
        """After an interruption anywhere in the above: keep what is durable, undo and hand on what is not."""
        in_transaction = self._connection.in_transaction
        if self._committing and not in_transaction:
            self.acknowledge()
            return
        self._committing = False
        self._seen = -1
        if in_transaction:
            self._execute("ROLLBACK")
        if self._group and not self._group[0].is_queued:
            del self._group[0]
        self._hand_back()

    def disinherit(self) -> None:
        """In a forked child: never touch the connection again."""
        self._execute = _refuse_inherited

    # --- one group ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")
        # Unchanged means that nobody else has written since our last commit, a new schema least of all.
        if self._data_version() != self._seen:
            found = int(self._execute("PRAGMA user_version").get)
            if found > self._known_schema:
                raise StoreNewerError(found, self._known_schema)

    def _fail_to_begin(self, error: apsw.Error | StoreError) -> bool:
        self.is_locked_out = isinstance(error, apsw.BusyError)
        meant = store_error(error, self._database) if isinstance(error, apsw.Error) else error
        if isinstance(meant, StoreBusyError):
            # Whoever waits for a queued item withdraws it in time; a future is waited for here.
            if self._group:
                self._group.clear()
                return False
            if not self._queue or _clock() - self._queue[0].since < PATIENCE_S:
                return True
        self.fail(meant)
        return True

    def _run_all(self, group: list[Item]) -> None:
        if not group and not self._claim_next():
            self._roll_back()
            return
        first = group[0]
        self._run(first)
        if first.error is not None:
            self._roll_back()
            return
        if self._queue and not first.alone:
            self._take_along(group)
        # Stays set until the next group begins: with no transaction open it means that this one is durable.
        self._committing = True
        self._execute("COMMIT")
        self._seen = self._data_version()
        self.commits += 1
        self.is_locked_out = False

    def _take_along(self, group: list[Item]) -> None:
        queue = self._queue
        span = group[0].group_s
        begun = _clock()
        while queue and len(group) < GROUP_ITEMS and _clock() - begun < span:
            if not self._claim_next():
                break
            item = group[-1]
            span = max(span, item.group_s)
            self._execute("SAVEPOINT item")
            self._run(item)
            if item.error is not None:
                # The disk's failures strike whoever writes next, not whoever wrote too much.
                if isinstance(item.error, (StoreFullError, StoreIOError)) or not self._connection.in_transaction:
                    raise _GroupFailedError
                self._execute("ROLLBACK TO item")
            self._execute("RELEASE item")

    def _claim_next(self) -> bool:
        """Move the next wanted write from the queue to the group; False if there is none, or a chore comes first."""
        group = self._group
        while self._may_follow(group):
            try:
                # In one step of C, which no signal can interrupt: an item is always in one of the two.
                group.extend(map(_claim, (self._queue,)))
            except IndexError:
                return False
            item = group[-1]
            if item.chore is not None or (item.alone and len(group) > 1):
                # The one before it was withdrawn just now.
                self._queue.extendleft(map(_take_last, (group,)))
                return False
            if item.begin():
                return True
            group.pop()
        return False

    def _may_follow(self, group: list[Item]) -> bool:
        try:
            following = self._queue[0]
        except IndexError:
            return False
        return following.chore is None and not (group and following.alone)

    def _run(self, item: Item) -> None:
        assert item.work is not None
        item.error = None
        transaction = SqliteTransaction(self._connection, self._database)
        try:
            item.value = item.work(transaction)
        except Exception as error:  # noqa: BLE001  # whatever it is, it answers whoever queued this work
            item.error = error
        finally:
            transaction.end()

    def _part(self, group: list[Item], error: Exception) -> None:
        """After a failure of the whole transaction: each is tried again alone, so that only the guilty ones fail."""
        if len(group) == 1:
            if group[0].error is None and isinstance(error, apsw.Error):
                group[0].error = store_error(error, self._database)
            return
        for item in group:
            item.alone = True
            item.error = None
        if not group[0].is_queued:
            del group[0]
        self._hand_back()

    def _hand_back(self) -> None:
        """Put the group back to the front of the queue, in its order, in one step of C that no signal can interrupt."""
        group = self._group
        self._queue.extendleft(map(_take_last, repeat(group, len(group))))

    def _roll_back(self) -> None:
        self._committing = False
        if self._connection.in_transaction:
            self._execute("ROLLBACK")


def _refuse_inherited(*_arguments: Any) -> NoReturn:
    raise StoreClosedError("the store was inherited over fork: open it again in this process")
