"""What the store asks of a search index: a consumer of the change log, derived, never the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chatkeep.store.search import SearchResult


class Index(Protocol):
    """A full-text index over messages and titles of all owners of a store."""

    def search(
        self,
        owner: str,
        query: str,
        *,
        newest: bool = False,
        limit: int = 20,
        cursor: str | None = None,
        wait: bool = False,
    ) -> SearchResult:
        """Find messages and titles; whatever the query holds, it is never a syntax error.

        Catches up with the change log first, by a bounded number of changes unless ``wait``; ``behind`` says how many
        are left.
        """
        ...

    def catch_up(self, limit: int | None = 5000) -> int:
        """Index what was committed since; how many changes are still to do. None: until there are none."""
        ...

    def rebuild(self) -> None:
        """Make the index anew from the rows."""
        ...

    def check(self) -> list[str]:
        """What in the index does not fit the rows; empty if it is right."""
        ...

    def expunge(self) -> None:
        """Index the deletions and leave no byte of them in the index's files."""
        ...

    def close(self) -> None:
        """Release its files."""
        ...


class DeferredIndex:
    """An index that is opened when it is first asked: most programs that open a store never search it."""

    def __init__(self, opener: Callable[[], Index]) -> None:
        self._opener = opener
        self._guard = threading.Lock()
        self._opened: Index | None = None

    def _index(self) -> Index:
        if self._opened is None:
            with self._guard:
                if self._opened is None:
                    self._opened = self._opener()
        return self._opened

    def search(
        self,
        owner: str,
        query: str,
        *,
        newest: bool = False,
        limit: int = 20,
        cursor: str | None = None,
        wait: bool = False,
    ) -> SearchResult:
        """See :class:`Index`."""
        return self._index().search(owner, query, newest=newest, limit=limit, cursor=cursor, wait=wait)

    def catch_up(self, limit: int | None = 5000) -> int:
        """See :class:`Index`."""
        return self._index().catch_up(limit)

    def rebuild(self) -> None:
        """See :class:`Index`."""
        self._index().rebuild()

    def check(self) -> list[str]:
        """See :class:`Index`."""
        return self._index().check()

    def expunge(self) -> None:
        """See :class:`Index`."""
        self._index().expunge()

    def close(self) -> None:
        """See :class:`Index`."""
        if self._opened is not None:
            self._opened.close()
