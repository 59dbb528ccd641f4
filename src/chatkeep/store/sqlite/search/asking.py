"""How a query is answered: what the index is asked, and what is read in the texts instead."""

from __future__ import annotations

from typing import NamedTuple

from chatkeep.store.engine import Engine
from chatkeep.store.search.patterns import Check, check_of
from chatkeep.store.search.query import Query, Term
from chatkeep.store.sqlite.search.database import Reading
from chatkeep.store.sqlite.search.rarity import Rarity

_SHORT_PREFIX = 3

Group = tuple[Term, ...]


class Asking(NamedTuple):
    """The words of a query, parted. ``check`` looks into the texts of what the index gives; None if it need not."""

    groups: tuple[Group, ...]
    excluded: Group
    check: Check | None
    too_common: bool
    """No word tells one message from another: they are not ranked."""


def asking(engine: Engine, reading: Reading, rarity: Rarity, query: Query) -> Asking:
    """Part a query.

    A beginning that a good part of all messages holds costs the index as much as it has postings: putting them in
    order takes longer than reading the few newest messages that fill a page.
    """
    if query.substring:
        return Asking((), (), check_of(query.groups, query.excluded, substring=True), too_common=True)

    def is_heavy(term: Term) -> bool:
        return term.prefix and rarity.is_heavy(engine, reading.connection, term)

    def is_common(term: Term) -> bool:
        if len(term.words) != 1:
            return False
        if term.prefix:
            return len(term.words[0]) < _SHORT_PREFIX and term.words[0].isascii()
        return rarity.is_in_most(reading.connection, term.words[0])

    read = [group for group in query.groups if any(map(is_heavy, group))]
    groups = tuple(group for group in query.groups if group not in read)
    barred = tuple(term for term in query.excluded if is_heavy(term))
    excluded = tuple(term for term in query.excluded if term not in barred)
    return Asking(
        groups,
        excluded,
        check_of(read, barred, substring=False) if read or barred else None,
        too_common=all(is_common(term) for group in groups for term in group),
    )
