"""What the store asks of a search index: a consumer of the change log, derived, never the truth."""

from __future__ import annotations

from typing import Protocol

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
