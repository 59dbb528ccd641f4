"""Answering a query from the index and the live rows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chatkeep.model import from_us
from chatkeep.store.cursors import cursor_position, cursor_text
from chatkeep.store.engine import Engine
from chatkeep.store.search.patterns import Check
from chatkeep.store.search.query import Query
from chatkeep.store.search.results import Hit
from chatkeep.store.search.snippet import Snippet, cut
from chatkeep.store.sqlite.search.asking import Asking, asking
from chatkeep.store.sqlite.search.candidates import WINDOW, Candidate, Candidates, Plan, by_score
from chatkeep.store.sqlite.search.database import Reading
from chatkeep.store.sqlite.search.expression import any_expression, conditions, match_expression
from chatkeep.store.sqlite.search.live import LiveRow, Scope, live_rows, scope, texts
from chatkeep.store.sqlite.search.rarity import Rarity

_MAX_PAGE = 1_000
_READING_S = 2.0
"""How long a search that must read texts looks for a page's hits; the next page goes on from there."""

_BY_TIME = -1.0


class Answer(NamedTuple):
    """One page of hits, how many matches were ranked if not all, and the next page's cursor."""

    hits: list[Hit]
    ranked_window: int | None
    next: str | None


class Request(NamedTuple):
    """What is asked for, parsed; ``text`` is the query as it was typed."""

    owner: str
    text: str
    query: Query
    newest: bool
    limit: int
    cursor: str | None
    snippets: bool


_Found = tuple[Candidate, LiveRow]


class _Seen(NamedTuple):
    found: list[_Found]
    goes_on: Candidate | None
    """After which candidate the next page begins; None at the end."""


class Searcher:
    """Answers queries over one index."""

    def __init__(self, engine: Engine, rarity: Rarity) -> None:
        self._engine = engine
        self._rarity = rarity

    def answer(self, reading: Reading, request: Request) -> Answer:
        """One page of what fits."""
        after = _position(request)
        query = request.query
        only = scope(self._engine, request.owner, query.filters)
        asked = asking(self._engine, reading, self._rarity, query)
        plan = self._plan(reading, request, only, asked)
        if plan is None:
            return Answer([], None, None)
        candidates = Candidates(reading.connection, plan)
        # Later pages go on in the order of the first one.
        too_common = asked.too_common if after is None else after[2] == _BY_TIME
        by_time = request.newest or plan.match is None or too_common
        window = 0 if query.groups and by_time and not request.newest and not query.substring else None
        ordered: Iterable[list[Candidate]]
        if by_time:
            ordered = candidates.newest_first(want=request.limit)
        else:
            reading.scoring.prepare(*self._rarity.weights(reading.connection, asked.groups, asked.excluded))
            ranked, left_out = candidates.ranked()
            window = len(ranked) if left_out else None
            ordered = [ranked]
        seen = self._seen(_after(ordered, after, by_time=by_time), request, only, asked.check)
        next = _cursor(request, seen.goes_on, by_time=by_time) if seen.goes_on is not None else None
        return Answer(self._hits(seen.found, request, scored=not by_time), window, next)

    def _plan(self, reading: Reading, request: Request, only: Scope | None, asked: Asking) -> Plan | None:
        pks = only.pks if only is not None else None
        where = conditions(reading.connection, request.owner, request.query.filters, conversation_pks=pks)
        if where is None:
            return None
        match = match_expression(asked.groups, asked.excluded)
        terms = [*asked.excluded, *(term for group in asked.groups for term in group)]
        ranks = match is not None and not request.newest
        return Plan(
            match=match,
            unmatch=any_expression(asked.excluded) if match is None else None,
            where=where,
            blocks=only.blocks if only is not None else None,
            few=ranks and self._rarity.are_few(reading.connection, asked.groups, WINDOW),
            few_parts=any(term.prefix for term in terms),
        )

    def _seen(
        self, ordered: Iterator[list[Candidate]], request: Request, only: Scope | None, check: Check | None
    ) -> _Seen:
        """The first of the candidates that are there to be seen, until a page is full or reading took too long."""
        want = request.limit + 1
        deadline = time.monotonic() + _READING_S
        found: list[_Found] = []
        for part in ordered:
            at, size = 0, want + 4
            while at < len(part) and len(found) < want:
                some = part[at : at + size]
                at += size
                # Rows that have gone, or do not pass, make the next look larger, up to a page of the store.
                size = min(_MAX_PAGE, size * 2)
                found += self._visible(some, request, only, check)
                if check is not None and len(found) < want and time.monotonic() > deadline:
                    return _Seen(found, some[-1])
            if len(found) >= want:
                return _Seen(found[: request.limit], found[request.limit - 1][0])
        return _Seen(found, None)

    def _visible(
        self, some: list[Candidate], request: Request, only: Scope | None, check: Check | None
    ) -> list[_Found]:
        pks = [candidate[1] for candidate in some]
        rows = live_rows(self._engine, request.owner, pks, only=only, hidden=request.query.filters.hidden)
        if check is not None:
            rows = {row.pk: row for row, text in texts(self._engine, list(rows.values())) if check(text)}
        return [(candidate, rows[candidate[1]]) for candidate in some if candidate[1] in rows]

    def _hits(self, page: list[_Found], request: Request, *, scored: bool) -> list[Hit]:
        terms = [term for group in request.query.groups for term in group]
        scores = {row.pk: candidate[2] if scored else None for candidate, row in page}
        rows = [row for _, row in page]
        if not request.snippets:
            return [_hit(row, Snippet("", ()), scores[row.pk]) for row in rows]
        return [_hit(row, cut(text, terms), scores[row.pk]) for row, text in texts(self._engine, rows)]


def _hit(row: LiveRow, snippet: Snippet, score: float | None) -> Hit:
    return Hit(
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        title=row.title,
        role=row.role,
        model=row.model,
        created_at=from_us(row.created_at),
        snippet=snippet.text,
        marks=snippet.marks,
        score=score,
        source=row.source,
        project_id=row.project_id,
    )


def _after(
    ordered: Iterable[list[Candidate]], position: Candidate | None, *, by_time: bool
) -> Iterator[list[Candidate]]:
    """The candidates behind a cursor's position."""
    for part in ordered:
        if position is None:
            yield part
        elif by_time:
            yield [c for c in part if c[:2] < position[:2]]
        else:
            yield [c for c in part if by_score(c) < by_score(position)]


def _list_name(request: Request, *, newest: bool) -> str:
    digest = hashlib.sha256(f"{request.owner}\0{request.text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"search-{'newest' if newest else 'ranked'}-{digest}"


def _cursor(request: Request, last: Candidate, *, by_time: bool) -> str:
    score = _BY_TIME if by_time else last[2]
    return cursor_text(_list_name(request, newest=request.newest), last[0], last[1], float(score))


def _position(request: Request) -> Candidate | None:
    if request.cursor is None:
        return None
    at, pk, score = cursor_position(request.cursor, _list_name(request, newest=request.newest), (int, int, float))
    return int(at), int(pk), float(score)
