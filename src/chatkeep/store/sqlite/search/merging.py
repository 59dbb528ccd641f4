"""When FTS5 merges its segments: a little after each batch, in proportion to what the batch brought.

Every transaction leaves a segment, and each query looks into all of them. Left to itself FTS5 merges sixteen of one
level at once, in the commit that makes the sixteenth: with an import among them that is hundreds of megabytes, paid by
whoever searches next. So its own merging is off, and ours has a budget.
"""

from __future__ import annotations

import apsw

_LEAST_PAGES = 16
_STEP_PAGES = 2_000

NO_CRISIS = 1_000
"""FTS5's crisismerge: never reached, as the budget allows each document to be moved up several levels."""


def settle(connection: apsw.Connection, documents: int) -> None:
    """Merge after a batch of so many documents; each one pays for about one page."""
    left = _LEAST_PAGES + documents
    while left > 0 and merge(connection, min(left, _STEP_PAGES)):
        left -= _STEP_PAGES


def merge(connection: apsw.Connection, pages: int) -> bool:
    """One step of about so many pages; whether there was something to do. A negative count begins to merge all."""
    before = connection.total_changes()
    connection.execute("INSERT INTO fts (fts, rank) VALUES ('merge', ?)", (pages,))
    return connection.total_changes() - before >= 2
