"""Which documents fit a query, newest first or ranked, without looking at more of them than the order needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apsw

from chatkeep.store.sqlite.search.expression import Conditions
from chatkeep.store.sqlite.search.schema import BLOCK_BITS

WINDOW = 10_000
"""So many matches are ranked; of more, the newest."""

_GROWTH = 8
_LARGE_GROWTH = 16
_MAX_BLOCKS = 1_024

_SCORES = "SELECT 0, rowid, score(fts) FROM fts WHERE fts MATCH ?"
_BLOCKS = (
    "SELECT n, newest FROM block WHERE newest >= coalesce(:after, newest) AND oldest < coalesce(:before, oldest + 1)"
    " ORDER BY newest DESC, n DESC"
)


Candidate = tuple[int, int, float]
"""A document that fits: its time, its number, and its score, which is 0 in the order of time."""


def by_score(candidate: Candidate) -> tuple[float, int, int]:
    """What orders candidates by how well they fit; of equals the newer is better, if their times were looked up."""
    return candidate[2], candidate[0], candidate[1]


class Plan(NamedTuple):
    """What to look for: FTS5 expressions to match and not to match, and conditions on the documents."""

    match: str | None
    unmatch: str | None
    where: Conditions
    blocks: frozenset[int] | None
    """Only these can hold what fits; None for any."""
    few: bool
    """Whether the words tell that no more than :data:`WINDOW` documents fit."""
    few_parts: bool
    """Whether looking at a part costs as much as looking at all, as it does with prefixes: then take large parts."""


class Candidates:
    """The documents of a plan, over one read transaction."""

    def __init__(self, connection: apsw.Connection, plan: Plan) -> None:
        self._connection = connection
        self._plan = plan

    def newest_first(self, *, want: int) -> Iterator[list[Candidate]]:
        """All that fit in lists, each newer than the next; the first lists are cheap when little is wanted."""
        ready: list[Candidate] = []
        for found, rest_newest in self._visit(want, score=False):
            ready = sorted([*ready, *found], reverse=True)
            # What is as new as the newest of the blocks ahead may still get something before it.
            cut = len(ready) if rest_newest is None else _first_not_newer(ready, rest_newest)
            if cut:
                yield ready[:cut]
                ready = ready[cut:]

    def ranked(self) -> tuple[list[Candidate], bool]:
        """The best first; and whether older matches than the newest :data:`WINDOW` were left out."""
        if self._plan.few:
            return sorted(self._all_scored(), key=by_score, reverse=True), False
        kept: list[Candidate] = []
        for found, rest_newest in self._visit(WINDOW, score=True):
            kept += found
            if len(kept) > WINDOW and rest_newest is not None:
                kept.sort(reverse=True)
                if kept[WINDOW - 1][0] > rest_newest:
                    break
        left_out = len(kept) > WINDOW
        if left_out:
            kept = sorted(kept, reverse=True)[:WINDOW]
        return sorted(kept, key=by_score, reverse=True), left_out

    def _all_scored(self) -> list[Candidate]:
        if not self._plan.where.is_open:
            return self._in_ranges((n for n, _ in self._blocks()), score=True)
        # The table of documents is as large as it has rows: looking each match up in it costs more than its score.
        found: list[Any] = self._connection.execute(_SCORES, (self._plan.match,)).fetchall()
        return found

    def _visit(self, want: int, *, score: bool) -> Iterator[tuple[list[Candidate], int | None]]:
        """Parts of the documents, and the newest time that can still come (None after the last part)."""
        blocks = self._blocks()
        if not blocks:
            return
        growth = _LARGE_GROWTH if self._plan.few_parts else _GROWTH
        at, size, have = 0, growth if self._plan.few_parts else 1, 0
        while at < len(blocks):
            part = [n for n, _ in blocks[at : at + size]]
            at += size
            found = self._in_ranges(part, score=score)
            have += len(found)
            yield found, blocks[at][1] if at < len(blocks) else None
            # As many blocks as the matches so far let expect, but not too many more than were seen.
            expected = int((want - have) * at / (have + 1)) + 1
            size = max(1, min(expected, growth * at, _MAX_BLOCKS))

    def _blocks(self) -> list[tuple[int, int]]:
        bounds = {"after": self._plan.where.params.get("after"), "before": self._plan.where.params.get("before")}
        rows = self._connection.execute(_BLOCKS, bounds)
        only = self._plan.blocks
        return [(n, newest) for n, newest in rows if only is None or n in only]

    def _in_ranges(self, blocks: Iterable[int], *, score: bool) -> list[Candidate]:
        found: list[Candidate] = []
        for low, high in _ranges(blocks):
            found += self._in_range(low, high, score=score)
        return found

    def _in_range(self, low: int, high: int, *, score: bool) -> list[Candidate]:
        plan = self._plan
        params: dict[str, Any] = {**plan.where.params, "low": low, "high": high}
        if plan.match is None:
            sql = f"SELECT d.created_at, d.pk, 0.0 FROM doc AS d WHERE d.pk BETWEEN :low AND :high AND {plan.where.sql}"
            if plan.unmatch is not None:
                sql += (
                    " AND d.pk NOT IN (SELECT rowid FROM fts WHERE fts MATCH :unmatch AND rowid BETWEEN :low AND :high)"
                )
                params["unmatch"] = plan.unmatch
        else:
            value = "score(fts)" if score else "0.0"
            sql = (
                f"SELECT d.created_at, d.pk, {value} FROM fts CROSS JOIN doc AS d ON d.pk = fts.rowid"
                f" WHERE fts MATCH :match AND fts.rowid BETWEEN :low AND :high AND {plan.where.sql}"
            )
            params["match"] = plan.match
        found: list[Any] = self._connection.execute(sql, params).fetchall()
        return found


def _first_not_newer(ordered: list[Candidate], moment: int) -> int:
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if ordered[middle][0] > moment:
            low = middle + 1
        else:
            high = middle
    return low


def _ranges(blocks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The numbers of documents in these blocks, neighbours made one."""
    first = last = None
    for n in sorted(blocks):
        if last is not None and n == last + 1:
            last = n
            continue
        if first is not None and last is not None:
            yield first << BLOCK_BITS, ((last + 1) << BLOCK_BITS) - 1
        first = last = n
    if first is not None and last is not None:
        yield first << BLOCK_BITS, ((last + 1) << BLOCK_BITS) - 1
