"""The query language: what a person types, as a value. No input is an error; docs/search.md explains it to people."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from chatkeep.model import ROLES, from_iso, to_us
from chatkeep.store.search.tokens import phrase, plain

MAX_CHARS = 32_768
"""Of a longer query, the rest is not looked at."""

MAX_TERMS = 1_000
"""Of more different words and phrases, the rest is not looked at."""

HAS = ("attachment", "tool", "thinking")
PLACES = ("title", "text", "hidden", "substring")

_ITEM = re.compile(
    r"""(?P<minus>-(?=[^\s-]))?
        (?:(?P<key>role|model|project|tag|source|before|after|has|in):(?=\S))?
        (?:"(?P<quoted>[^"]*)(?:"|$)|(?P<bare>[^\s"]+))
        (?P<star>\*(?=\s|$))?""",
    re.VERBOSE | re.IGNORECASE,
)
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


class Term(msgspec.Struct, frozen=True):
    """A word or phrase to find, folded. ``text`` is the same as typed, folded but with all its characters."""

    words: tuple[str, ...]
    prefix: bool
    """Whether the last word may go on."""
    text: str


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions besides the text.

    Of one key, any value suffices for role, model, project and source, all must hold for tag and has; ``not_`` keys
    exclude. ``before_us`` is exclusive, ``after_us`` inclusive.
    """

    role: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    not_role: tuple[str, ...] = ()
    not_model: tuple[str, ...] = ()
    not_project: tuple[str, ...] = ()
    not_tag: tuple[str, ...] = ()
    not_source: tuple[str, ...] = ()
    not_has: tuple[str, ...] = ()
    before_us: int | None = None
    after_us: int | None = None
    titles: bool = True
    messages: bool = True
    hidden: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """All ``groups`` must be found, each by any of its terms; none of ``excluded`` may be."""

    groups: tuple[tuple[Term, ...], ...] = ()
    excluded: tuple[Term, ...] = ()
    filters: Filters = Filters()
    substring: bool = False
    """Terms are looked for as text inside words too, by reading the messages."""

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing at all, and so finds nothing."""
        return not self.groups and not self.excluded and self.filters == Filters()


class _Item(NamedTuple):
    negated: bool
    key: str | None
    value: str
    quoted: bool
    star: bool


def parse(text: str) -> Query:
    """The query that a text stands for. Every text is one: what is no operator is searched for."""
    parser = _Parser()
    for item in _items(text[:MAX_CHARS]):
        parser.take(item)
    return parser.query()


def _items(text: str) -> Iterator[_Item]:
    for match in _ITEM.finditer(text):
        quoted, bare = match["quoted"], match["bare"]
        star = match["star"] is not None
        if quoted is None and bare.endswith("*"):
            bare, star = bare.rstrip("*"), True
        at_start = match.start() == 0 or text[match.start() - 1].isspace() or text[match.start() - 1] == '"'
        negated = match["minus"] is not None and at_start
        key = match["key"].lower() if match["key"] and at_start else None
        value = bare if quoted is None else quoted
        if match["key"] and key is None:
            value = f"{match['key']}:{value}"
        yield _Item(negated, key, value, quoted is not None, star)


class _Parser:
    def __init__(self) -> None:
        self._groups: list[list[Term]] = []
        self._excluded: dict[tuple[tuple[str, ...], bool, str], Term] = {}
        self._values: dict[str, list[str]] = {}
        self._places: set[str] = set()
        self._before: list[int] = []
        self._after: list[int] = []
        self._join = False
        self._terms = 0
        self._wordless = False

    def take(self, item: _Item) -> None:
        if item.key is not None and self._take_filter(item.key, item.value, negated=item.negated):
            return
        if item.key is None and not item.quoted and not item.negated and not item.star and item.value == "OR":
            self._join = bool(self._groups)
            return
        value = item.value if item.key is None else f"{item.key}:{item.value}"
        self._take_term(value, negated=item.negated, star=item.star)

    def _take_filter(self, key: str, value: str, *, negated: bool) -> bool:
        """Whether the value is one that this key knows; otherwise the item is text."""
        if key in ("before", "after"):
            moment = _moment_us(value)
            if moment is None:
                return False
            (self._before if (key == "before") != negated else self._after).append(moment)
            return True
        known = {"role": ROLES, "has": HAS, "in": PLACES}.get(key)
        if known is not None:
            value = value.lower()
            if value not in known or (key == "in" and negated):
                return False
        if key == "in":
            self._places.add(value)
        else:
            self._values.setdefault(f"not_{key}" if negated else key, []).append(value)
        return True

    def _take_term(self, text: str, *, negated: bool, star: bool) -> None:
        join, self._join = self._join, False
        if self._terms >= MAX_TERMS:
            return
        found = phrase(text, prefix=star)
        term = Term(found.words, found.prefix, plain(text))
        self._terms += 1
        if negated:
            self._excluded[(term.words, term.prefix, term.text)] = term
        elif join:
            self._groups[-1].append(term)
        else:
            self._groups.append([term])

    def query(self) -> Query:
        substring = "substring" in self._places
        groups = [tuple(dict.fromkeys(t for t in group if t.words or substring)) for group in self._groups]
        wordless = bool(self._groups) and not any(groups)
        where = self._places & {"title", "text"} or {"title", "text"}
        filters = Filters(
            **{key: tuple(dict.fromkeys(values)) for key, values in self._values.items()},
            before_us=min(self._before, default=None),
            after_us=max(self._after, default=None),
            titles="title" in where,
            messages="text" in where,
            hidden="hidden" in self._places,
        )
        excluded = tuple(term for term in self._excluded.values() if term.words or substring)
        if wordless and not excluded and not (self._values or self._before or self._after):
            # Nothing of it can be found: that is no wish to see everything.
            return Query()
        return Query(
            groups=tuple(dict.fromkeys(group for group in groups if group)),
            excluded=excluded,
            filters=filters,
            substring=substring,
        )


def _moment_us(text: str) -> int | None:
    """The beginning of a year, month or day, or an RFC 3339 time, in UTC."""
    match = _DATE.fullmatch(text)
    try:
        if match is None:
            return to_us(from_iso(text)) if "T" in text.upper() else None
        year, month, day = (int(part) if part else 1 for part in match.groups())
        monthrange(year, month)
        return to_us(datetime(year, month, day, tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
