"""Answering a query from the index and the live rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from chatkeep.errors import CursorError
from chatkeep.model import from_us
from chatkeep.store.cursors import cursor_position, cursor_text
from chatkeep.store.engine import Engine
from chatkeep.store.search.document import document
from chatkeep.store.search.query import Query, Term
from chatkeep.store.search.results import Hit
from chatkeep.store.search.snippet import Snippet, cut
from chatkeep.store.sqlite.search.candidates import Candidate, Candidates, Plan
from chatkeep.store.sqlite.search.database import Reading
from chatkeep.store.sqlite.search.expression import any_expression, conditions, match_expression
from chatkeep.store.sqlite.search.live import LiveRow, Scope, bodies, live_rows, scope
from chatkeep.store.sqlite.search.rarity import Rarity

_MAX_PAGE = 1_000
_SHORT_PREFIX = 3
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


class Searcher:
    """Answers queries over one index."""

    def __init__(self, engine: Engine, rarity: Rarity) -> None:
        self._engine = engine
        self._rarity = rarity

    def answer(self, reading: Reading, request: Request) -> Answer:
        """One page of what fits."""
        after = _position(request)
        only = scope(self._engine, request.owner, request.query.filters)
        plan = _plan(reading, request, only)
        if plan is None:
            return Answer([], None, None)
        candidates = Candidates(reading.connection, plan)
        by_time = request.newest or not request.query.groups
        window = None
        if not by_time and self._too_common(reading, request.query, after):
            by_time, window = True, 0
        ordered: Iterable[list[Candidate]]
        if by_time:
            ordered = candidates.newest_first(want=request.limit)
        else:
            weights, average = self._rarity.weights(reading.connection, request.query)
            reading.scoring.prepare(weights, average)
            ranked, left_out = candidates.ranked()
            window = len(ranked) if left_out else None
            ordered = [ranked]
        found = self._seen(_after(ordered, after, by_time=by_time), request, only)
        page = found[: request.limit]
        next = _cursor(request, page[-1][0], by_time=by_time) if len(found) > request.limit else None
        return Answer(self._hits(page, request, scored=not by_time), window, next)

    def _too_common(self, reading: Reading, query: Query, after: Candidate | None) -> bool:
        """Whether no word of the query tells one message from another; later pages go on as the first one did."""
        if after is not None:
            return after.score == _BY_TIME
        terms = [term for group in query.groups for term in group]
        return all(self._is_common(reading, term) for term in terms)

    def _is_common(self, reading: Reading, term: Term) -> bool:
        if len(term.words) != 1:
            return False
        if term.prefix:
            return len(term.words[0]) < _SHORT_PREFIX and term.words[0].isascii()
        return self._rarity.is_in_most(reading.connection, term.words[0])

    def _seen(
        self, ordered: Iterator[list[Candidate]], request: Request, only: Scope | None
    ) -> list[tuple[Candidate, LiveRow]]:
        """The first of the candidates that are there to be seen, one more than a page has."""
        want = request.limit + 1
        found: list[tuple[Candidate, LiveRow]] = []
        for part in ordered:
            at = 0
            while at < len(part) and len(found) < want:
                # Rows that have gone make the next look larger, up to a page of the store.
                size = min(_MAX_PAGE, max(want - len(found), at) + 8)
                some = part[at : at + size]
                at += size
                rows = live_rows(
                    self._engine,
                    request.owner,
                    [candidate.pk for candidate in some],
                    only=only,
                    hidden=request.query.filters.hidden,
                )
                found += [(candidate, rows[candidate.pk]) for candidate in some if candidate.pk in rows]
            if len(found) >= want:
                break
        return found[:want]

    def _hits(self, page: list[tuple[Candidate, LiveRow]], request: Request, *, scored: bool) -> list[Hit]:
        terms = [term for group in request.query.groups for term in group]
        hits = []
        for candidate, row in page:
            snippet = self._snippet(row, terms) if request.snippets else Snippet("", ())
            hits.append(_hit(row, snippet, candidate.score if scored else None))
        return hits

    def _snippet(self, row: LiveRow, terms: Sequence[Term]) -> Snippet:
        if row.message_id is None:
            return cut(row.title or "", terms)
        # One at a time: a page of the largest messages must not be in memory at once.
        body = bodies(self._engine, [row.pk]).get(row.pk)
        return cut(document(body).text, terms) if body is not None else Snippet("", ())


def _plan(reading: Reading, request: Request, only: Scope | None) -> Plan | None:
    query = request.query
    where = conditions(
        reading.connection, request.owner, query.filters, conversation_pks=only.pks if only is not None else None
    )
    if where is None:
        return None
    match = match_expression(query)
    terms = [*query.excluded, *(term for group in query.groups for term in group)]
    return Plan(
        match=match,
        unmatch=any_expression(query.excluded) if match is None else None,
        where=where,
        blocks=only.blocks if only is not None else None,
        in_one=any(term.prefix for term in terms),
    )


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
            yield [c for c in part if (c.created_at, c.pk) < (position.created_at, position.pk)]
        else:
            yield [c for c in part if c < position]


def _list_name(request: Request, *, newest: bool) -> str:
    digest = hashlib.sha256(f"{request.owner}\0{request.text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"search-{'newest' if newest else 'ranked'}-{digest}"


def _cursor(request: Request, last: Candidate, *, by_time: bool) -> str:
    score = _BY_TIME if by_time else last.score
    return cursor_text(_list_name(request, newest=request.newest), float(score), last.created_at, last.pk)


def _position(request: Request) -> Candidate | None:
    if request.cursor is None:
        return None
    found = cursor_position(request.cursor, _list_name(request, newest=request.newest), (float, int, int))
    if abs(found[2]) >= 1 << 63:
        raise CursorError("not a cursor of this search: leave it out to start from the first page")
    return Candidate(*found)
