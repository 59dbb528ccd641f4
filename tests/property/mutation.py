"""Spoiling one place of a JSON-like value, as hostile or broken files have it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Place = tuple[str | int, ...]


def _deep() -> Any:
    value: Any = "bottom"
    for _ in range(200):
        value = [value]
    return value


# Makers, so that no two mutated values share a list.
WRONG: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 1e308,
    lambda: 10**30,
    lambda: -(10**400),
    lambda: float("nan"),
    lambda: "",
    lambda: "x",
    lambda: " ",
    lambda: "nul \0 inside",
    lambda: "half \ud83c of a pair",
    lambda: "2024-02-30T25:61:00Z",
    lambda: "9" * 5000,
    list,
    lambda: [None, 1, "a", {}, []],
    lambda: [[[]]],
    dict,
    lambda: {"content_type": 7, "id": {}, "type": [], "parts": {"a": 1}},
    _deep,
)

MISSING = object()
"""In place of a wrong value: the key or item is taken away."""


def places(value: Any) -> list[Place]:
    """Every place in a value, the outermost first."""
    found: list[Place] = []
    pending: list[tuple[Place, Any]] = [((), value)]
    while pending:
        place, item = pending.pop()
        found.append(place)
        if isinstance(item, dict):
            pending.extend(((*place, key), inner) for key, inner in item.items())
        elif isinstance(item, list):
            pending.extend(((*place, index), inner) for index, inner in enumerate(item))
    return found


def spoilt(value: Any, place: Place, wrong: Any) -> Any:
    """A copy with another value at a place, or without it."""
    if not place:
        return None if wrong is MISSING else wrong
    copied = copy.deepcopy(value)
    holder = copied
    for step in place[:-1]:
        holder = holder[step]
    if wrong is MISSING:
        del holder[place[-1]]
    else:
        holder[place[-1]] = wrong
    return copied


def mutations(value: Any) -> st.SearchStrategy[tuple[Place, Any]]:
    """A place of the value and what to put there (:data:`MISSING` takes it away)."""
    wrong = st.sampled_from(WRONG).map(lambda make: make())
    return st.tuples(st.sampled_from(places(value)), st.one_of(wrong, wrong, st.just(MISSING)))
