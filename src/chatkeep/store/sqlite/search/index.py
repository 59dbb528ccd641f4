"""The search index of a store: what callers use."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from chatkeep.errors import SearchUnavailableError, StoreClosedError, StoreReadOnlyError
from chatkeep.store.cursors import page_size
from chatkeep.store.engine import Engine
from chatkeep.store.search.query import parse
from chatkeep.store.search.results import SearchResult
from chatkeep.store.sqlite.search.builder import Builder, State, behind
from chatkeep.store.sqlite.search.checking import problems
from chatkeep.store.sqlite.search.database import Reading, SearchFile, UnusableIndexError, driver_errors
from chatkeep.store.sqlite.search.expunging import expunge
from chatkeep.store.sqlite.search.position import Distance
from chatkeep.store.sqlite.search.rarity import Rarity
from chatkeep.store.sqlite.search.scratch import Scratch, file_in_place
from chatkeep.store.sqlite.search.searcher import Answer, Request, Searcher
from chatkeep.store.sqlite.search.turn import Turn

CATCH_UP = 5_000
"""Changes that a search applies before it answers; of more, it says how many are left."""

_SEARCH_WAIT_S = 0.5
_WHOLE_WAIT_S = 60.0
_ATTEMPTS = 3


class SearchIndex:
    """Search over all messages and titles of a store, in a file of its own that is derived from the store.

    It may be used by many threads, and by many processes with an index each. Whatever happens to its file, it is made
    anew from the store when it is needed. With ``read_only`` nothing in the directory is written: if the index there
    is not up to date, a private one is made in a temporary directory.
    """

    def __init__(self, engine: Engine, directory: Path, *, read_only: bool = False) -> None:
        self._engine = engine
        self._read_only = read_only
        self._scratch: Scratch | None = None
        self._moving = threading.Lock()
        self._file = (file_in_place(directory) if read_only else None) or SearchFile(directory, read_only=read_only)
        self._turn = Turn(directory / "locks")
        self._rarity = Rarity()
        self._searcher = Searcher(engine, self._rarity)
        self._closed = False
        self._pid = os.getpid()

    def search(
        self,
        owner: str,
        query: str,
        *,
        newest: bool = False,
        limit: int = 20,
        cursor: str | None = None,
        wait: bool = False,
        snippets: bool = True,
    ) -> SearchResult:
        """One page of what a query finds among the conversations of an owner; those in the trash are left out.

        Args:
            query: See docs/search.md; no text is an error.
            newest: Order by time instead of by how well it fits.
            limit: At most so many hits, never above 1,000.
            cursor: ``next`` of the page before, of the same query.
            wait: Catch up wholly first, however long it takes.

        Raises:
            CursorError: Not a cursor of this query.
            SearchUnavailableError: The index cannot be read or made.
        """
        self._require_open()
        request = Request(owner, query, parse(query), newest, page_size(limit), cursor, snippets)
        left = self._catch_up(None if wait else CATCH_UP, _WHOLE_WAIT_S if wait else _SEARCH_WAIT_S)
        if request.query.is_empty:
            return SearchResult(query=query, hits=[], behind=left)
        answer = self._read(lambda reading: self._searcher.answer(reading, request))
        return SearchResult(
            query=query, hits=answer.hits, behind=left, ranked_window=answer.ranked_window, next=answer.next
        )

    def catch_up(self, limit: int | None = CATCH_UP) -> int:
        """Apply what was committed to the store, at most about ``limit`` changes (None: all); how many are left.

        When another process or thread is at it, waits for that. It may run beside searches and writes.
        """
        self._require_open()
        return self._catch_up(limit, _WHOLE_WAIT_S)

    def rebuild(self) -> None:
        """Make the index anew from the store."""
        with self._writing() as builder:
            builder.rebuild()

    def check(self) -> list[str]:
        """What in the index does not fit the store, after catching up; empty if it is right."""
        try:
            with self._writing() as builder:
                builder.catch_up(None)
                return problems(self._engine, self._file.writer(), lambda: builder.catch_up(None))
        except UnusableIndexError as error:
            return [f"the search index is damaged: {error}"]

    def expunge(self) -> None:
        """Apply what was deleted, and leave no word of it in any file of the index.

        Raises:
            SearchUnavailableError: Another program keeps an old state of the index; the words are in its log still.
        """
        if self._read_only:
            raise StoreReadOnlyError("the store is open for reading only: deleted words stay in its search index")
        with self._writing() as builder:
            builder.catch_up(None)
            try:
                with driver_errors():
                    expunge(self._file.writer(), self._file)
            except UnusableIndexError:
                # What is damaged is removed as a whole, with every word in it.
                builder.rebuild()

    def sizes(self) -> dict[str, int]:
        """Bytes of each file of the index."""
        return self._file.sizes()

    def close(self) -> None:
        """Release everything; repeating it is harmless."""
        if not self._closed:
            self._closed = True
            # Another thread may be at work in it.
            self._file.stop_writing()
            self._turn.close()
            self._file.close()
            if self._scratch is not None:
                self._scratch.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Builder]:
        self._require_open()
        self._move_to_scratch()
        with self._turn.taken(_WHOLE_WAIT_S) as mine:
            if not mine:
                raise SearchUnavailableError("another process is writing the search index: try again later")
            with driver_errors():
                yield self._builder()

    def _builder(self) -> Builder:
        return Builder(self._engine, self._file)

    def _require_open(self) -> None:
        if self._closed or self._pid != os.getpid():
            raise StoreClosedError("the search index is closed, or was opened before a fork: open the store again")

    def _move_to_scratch(self) -> None:
        """Before writing: leave a directory that must not be written for one of our own."""
        with self._moving:
            if self._read_only and self._scratch is None:
                self._scratch = Scratch(self._file)
                self._file.close()
                self._turn.close()
                self._file = SearchFile(self._scratch.directory)
                self._turn = Turn(self._scratch.directory / "locks")

    def _state(self) -> tuple[State, Distance] | None:
        """Where the index is and how far behind, or None if only its writer can tell."""
        try:
            with self._file.reading() as reading:
                state = State(reading.connection)
        except UnusableIndexError:
            return None
        away = self._engine.read(lambda tx: behind(tx, state))
        return None if away.lost else (state, away)

    def _catch_up(self, limit: int | None, wait_s: float) -> int:
        """How many of the changes committed before the call are still to do."""
        found = self._state()
        if found is not None and not found[1].behind:
            return 0
        self._move_to_scratch()
        # Its writer takes in what others wait for, too: whoever sees its mark there need not take a turn.
        goal = found[0].position.seq + found[1].behind if found is not None and found[0].is_live else None
        with self._turn.taken(wait_s, until=lambda: self._left(goal) == 0) as mine:
            done = self._builder().catch_up(limit) if mine else None
        if done is not None:
            self._file.checkpoints.start_if_due()
            return done
        left = self._left(goal)
        if left is None:
            raise SearchUnavailableError("the search index is being made by another process: try again in a moment")
        return left

    def _left(self, goal: int | None) -> int | None:
        found = self._state()
        if found is None:
            return None
        state, away = found
        return away.behind if goal is None or not state.is_live else max(goal - state.position.seq, 0)

    def _read(self, work: Callable[[Reading], Answer]) -> Answer:
        for _ in range(_ATTEMPTS):
            try:
                with self._file.reading() as reading:
                    return work(reading)
            except UnusableIndexError as error:
                reason = error
                self._mend()
        raise SearchUnavailableError(f"the search index cannot be read: {reason}") from reason

    def _mend(self) -> None:
        """Replace a damaged file."""
        self._move_to_scratch()
        with self._turn.taken(_WHOLE_WAIT_S) as mine:
            if mine:
                self._builder().rebuild()
