"""The consumer of the change log that keeps the index: the only code that writes it, one process at a time."""

from __future__ import annotations

from collections.abc import Callable

import apsw

from chatkeep.errors import SearchUnavailableError
from chatkeep.store.engine import Engine, Row, Transaction
from chatkeep.store.sqlite.search import batch
from chatkeep.store.sqlite.search.batch import Batch, Entry
from chatkeep.store.sqlite.search.database import SearchFile, UnusableIndexError, driver_errors, writing
from chatkeep.store.sqlite.search.merging import settle
from chatkeep.store.sqlite.search.position import Distance, Position, distance, head
from chatkeep.store.sqlite.search.schema import BULK_BYTES

STEP = 500
"""Changes in one transaction while only a few are behind, so that who waits for its mark sees it soon."""

BULK_STEP = 20_000
_BULK_FROM = 5_000
_CHANGE_PAGE = 1_000
_BEGINNINGS = 3

_STATE = "SELECT epoch, seq, nonce, phase, next_pk FROM state"
_CHANGES = "SELECT seq, nonce, kind, op, pk FROM change WHERE seq > :seq ORDER BY seq LIMIT :limit"
# Counting rows would read them; their numbers are as good as never reused and rarely given up.
_LEFT = "SELECT coalesce(max(pk), 0) - max(:pk, 1) + 1 FROM message"


class State:
    """How far the index is."""

    __slots__ = ("next_pk", "phase", "position")

    def __init__(self, connection: apsw.Connection) -> None:
        row = connection.execute(_STATE).fetchone()
        if row is None:
            raise UnusableIndexError("the search index does not say how far it is")
        self.position = Position(str(row[0]), int(row[1]), int(row[2]))
        self.phase = str(row[3])
        self.next_pk = int(row[4])

    @property
    def is_live(self) -> bool:
        """Whether building is over and the change log is followed."""
        return self.phase == "live"


def behind(tx: Transaction, state: State) -> Distance:
    """How far the index is behind the store: changes, and while it is built messages not read yet."""
    away = distance(tx, state.position)
    if state.is_live and not away.lost:
        return away
    from_pk = state.next_pk if state.phase == "messages" and not away.lost else 0
    row = tx.row(_LEFT, {"pk": from_pk})
    left = int(row[0]) if row else 0
    return Distance(away.lost, max(left, 1) if not away.lost else max(left, away.behind))


class Builder:
    """Brings the index up to the store. The caller holds the lock of the index for as long as it uses one."""

    def __init__(self, engine: Engine, file: SearchFile, *, reached: Callable[[str], None] = lambda _: None) -> None:
        """``reached`` is called with the name of each place where a test may stop the process."""
        self._engine = engine
        self._file = file
        self._reached = reached

    def catch_up(self, limit: int | None) -> int:
        """Apply at most about ``limit`` changes or documents (None: all that were committed before the call).

        Returns:
            How many of those that were committed before the call are left. Beside a busy writer there is always one
            more: going on until there is none would never end.
        """
        done = begun = 0
        goal: int | None = None
        while True:
            try:
                with driver_errors():
                    connection = self._file.writer()
                    state = State(connection)
                    away = self._distance(state)
                    if not away.lost:
                        left = away.behind
                        if state.is_live:
                            goal = state.position.seq + left if goal is None else goal
                            left = max(goal - state.position.seq, 0)
                        if not left or (limit is not None and done >= limit):
                            settle(connection, done)
                            return left
                        done += self._step(connection, state, left, None if limit is None else limit - done)
                        continue
            except UnusableIndexError:
                goal = None
            if begun >= _BEGINNINGS:
                raise SearchUnavailableError("the search index cannot be made: its disk or the store keeps failing")
            begun += 1
            self._begin()

    def rebuild(self) -> None:
        """Forget everything and read the store anew."""
        self._begin()
        self.catch_up(None)

    def _distance(self, state: State) -> Distance:
        return self._engine.read(lambda tx: behind(tx, state))

    def _begin(self) -> None:
        """An empty index that will show the store as of now, and then follow the log from here."""
        self._reached("before start over")
        with driver_errors():
            connection = self._file.start_over()
        start = self._engine.read(head)
        self._reached("empty")
        with driver_errors(), writing(connection):
            connection.execute("UPDATE state SET epoch = ?, seq = ?, nonce = ?", start)

    def _step(self, connection: apsw.Connection, state: State, left: int, room: int | None) -> int:
        bulk = left > _BULK_FROM and room is None
        size = BULK_STEP if bulk else STEP
        size = max(1, min(size, left, size if room is None else room))
        if state.is_live:
            return self._follow(connection, state.position, size)
        return self._build(connection, state, size)

    def _follow(self, connection: apsw.Connection, position: Position, size: int) -> int:
        """One transaction of changes."""
        work, count = Batch(), 0
        while count < size and work.size_bytes < BULK_BYTES:
            changes = self._changes(position.seq, min(_CHANGE_PAGE, size - count))
            if not changes:
                break
            self._collect(work, {(row[2], row[4]) for row in changes})
            count += len(changes)
            position = Position(position.epoch, changes[-1][0], changes[-1][1])
        self._reached("collected")
        with writing(connection):
            work.write(connection)
            self._reached("written")
            connection.execute("UPDATE state SET epoch = ?, seq = ?, nonce = ?", position)
        self._reached("committed")
        return max(count, 1)

    def _changes(self, after: int, limit: int) -> list[Row]:
        return self._engine.read(lambda tx: tx.rows(_CHANGES, {"seq": after, "limit": limit}))

    def _collect(self, work: Batch, touched: set[tuple[str, int]]) -> None:
        """What the rows are now; a change that was overtaken by a later one is applied with it, and again then."""
        titles = sorted(pk for kind, pk in touched if kind == "conversation")
        messages = sorted(pk for kind, pk in touched if kind == "message")
        if titles:
            found = self._engine.read(lambda tx: batch.titles_of(tx, titles))
            work.drop(-pk for pk in titles)
            work.put(found)
        work.drop(messages)
        rest = messages
        while rest:
            entries, rest = self._messages_of(rest)
            work.put(entries)

    def _messages_of(self, pks: list[int]) -> tuple[list[Entry], list[int]]:
        return self._engine.read(lambda tx: batch.messages_of(tx, pks))

    def _build(self, connection: apsw.Connection, state: State, size: int) -> int:
        """One transaction of documents, read in the order of their pks while writes go on."""
        work, phase, next_pk = Batch(), state.phase, state.next_pk
        while len(work.entries) < size and work.size_bytes < BULK_BYTES and phase != "live":
            entries = self._page(phase, next_pk)
            if entries:
                work.put(entries)
                next_pk = abs(entries[-1].pk) + 1
            elif phase == "titles":
                phase, next_pk = "messages", 0
            else:
                phase = "live"
        self._reached("collected")
        with writing(connection):
            work.write(connection)
            self._reached("written")
            connection.execute("UPDATE state SET phase = ?, next_pk = ?", (phase, next_pk))
        self._reached("committed")
        return max(len(work.entries), 1)

    def _page(self, phase: str, next_pk: int) -> list[Entry]:
        read = batch.titles_from if phase == "titles" else batch.messages_from
        return self._engine.read(lambda tx: read(tx, next_pk))
