"""Reading a conversation as values: all of it, and its newest 50 messages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contenders import OURS, RAW, Chatkeep, RawSqlite, installed_contenders
from benchmarks.corpus import kilobyte_texts
from benchmarks.measuring import best_of_turns, median, ratio
from benchmarks.results import Section, at_most, span, table

NEWEST = 50


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    conversations: tuple[int, ...]
    """Their messages; the last is the largest, the first the smallest that holds the newest 50."""
    others: int
    rounds: int


FULL = Sizes(conversations=(100, 1_000, 10_000), others=40, rounds=9)
QUICK = Sizes(conversations=(100, 1_000, 10_000), others=4, rounds=5)


def run(place: Path, sizes: Sizes) -> Section:
    """Measure in a directory."""
    section = Section(
        "load: a conversation as values",
        f"Messages of 1 kB, {sizes.others} conversations of 1,000 messages beside them. Raw SQLite gives tuples of five"
        f" columns; {OURS} gives its messages, walked from the head of the tree to the root.",
    )
    makers, section.notes = installed_contenders()
    with tempfile.TemporaryDirectory(dir=place) as folder:
        stores = {
            (name, count): store
            for name, make in makers.items()
            for count, store in _filled(name, make, Path(folder), sizes).items()
        }
        works = _works(stores, sizes)
        found = best_of_turns(list(works.values()), rounds=sizes.rounds, repeats=5)
        for store in stores.values():
            store.close()
    figures = dict(zip(works, found, strict=True))
    _show(section, figures, list(makers), sizes)
    return section


def _works(stores: dict[tuple[str, int], Any], sizes: Sizes) -> dict[tuple[str, str, int], Callable[[], object]]:
    """What is timed, by store, kind and size; each was checked once for how much it reads."""
    works: dict[tuple[str, str, int], Callable[[], object]] = {}
    for (name, count), store in stores.items():
        assert store.load() == count, name
        assert store.newest(NEWEST) == NEWEST, name
        works[name, "load", count] = store.load
        works[name, "newest", count] = partial(store.newest, NEWEST)
    return works


def _filled(name: str, make: Any, folder: Path, sizes: Sizes) -> dict[int, Any]:
    """One store a size, each with its conversation open; those of raw SQLite and Chatkeep share a database."""
    texts = kilobyte_texts(1000)
    directory = folder / name.split()[0].strip(",")
    directory.mkdir()
    found: dict[int, Any] = {}
    plan = [1000] * sizes.others + list(sizes.conversations)
    for number, count in enumerate(plan, start=1):
        if make is RawSqlite:
            store: Any = RawSqlite(directory, number)
        elif make is Chatkeep:
            store = Chatkeep(directory)
        elif number <= sizes.others:
            continue
        else:
            own = directory / str(number)
            own.mkdir()
            store = make(own)
        for start in range(0, count, len(texts)):
            store.extend(texts[: count - start])
        if number <= sizes.others:
            store.close()
        else:
            found[count] = store
    return found


def _show(section: Section, figures: dict[tuple[str, str, int], list[float]], names: list[str], sizes: Sizes) -> None:
    columns = [("load", count) for count in sizes.conversations] + [("newest", count) for count in sizes.conversations]
    heads = [f"load {n:,}" if kind == "load" else f"newest {NEWEST} of {n:,}" for kind, n in columns]
    rows = [
        [
            name,
            *(
                f"{span(median(figures[name, kind, n]))} ({ratio(figures[name, kind, n], figures[RAW, kind, n]):.1f} x)"
                for kind, n in columns
            ),
        ]
        for name in names
    ]
    section.tables.append(table(["store", *heads], rows))
    small, large = sizes.conversations[0], sizes.conversations[-1]

    def times_raw(kind: str) -> float:
        return ratio(figures[OURS, kind, large], figures[RAW, kind, large])

    growth = ratio(figures[OURS, "newest", large], figures[OURS, "newest", small])
    section.verdicts += [
        at_most(f"load {large:,} messages, x time of raw tuples", times_raw("load"), 1.5),
        at_most(f"newest {NEWEST} of {large:,}, x time of raw tuples", times_raw("newest"), 2.5),
        at_most(f"newest {NEWEST} of {large:,}, x time of those of {small:,}", growth, 1.3),
    ]
    section.figures = {f"{name}: {kind} {count}": times for (name, kind, count), times in figures.items()}
