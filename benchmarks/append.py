"""Durable append of one message of 1 kB at a time, by one writer."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.contenders import AGENTS, OURS, RAW, Chatkeep, installed_contenders
from benchmarks.corpus import kilobyte_texts
from benchmarks.measuring import median, quantile, ratio, shuffled_rounds
from benchmarks.results import Section, at_least, at_most, per_second, span, table

MARKER = "benchmarkmarker"
_PER_CONVERSATION = 10_000


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int
    seconds: float
    small: int
    large: int


FULL = Sizes(rounds=50, seconds=0.15, small=1_000, large=1_000_000)
QUICK = Sizes(rounds=15, seconds=0.1, small=1_000, large=20_000)


@dataclass
class _Figures:
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def take(self, times: list[float]) -> None:
        """One round."""
        self.rates.append(len(times) / sum(times))
        self.p50.append(median(times))
        self.p99.append(quantile(times, 0.99))

    def cells(self) -> list[str]:
        """What the tables show."""
        return [
            per_second(median(self.rates)),
            f"{per_second(min(self.rates))}-{per_second(max(self.rates))}",
            span(median(self.p50)),
            span(median(self.p99)),
        ]


def run(place: Path, sizes: Sizes) -> Section:
    """Measure in a directory."""
    section = Section(
        "append: durable append, one writer",
        f"Each append of 1 kB is on the disk when it returns. The limit is {RAW}: one insert into one table with one"
        f" index. {OURS} also counts it in its conversation, writes the change log, and finds it when asked next.",
    )
    makers, section.notes = installed_contenders()
    text = kilobyte_texts(1)[0]
    with tempfile.TemporaryDirectory(dir=place) as folder:
        stores = {name: make(_own(Path(folder), number)) for number, (name, make) in enumerate(makers.items())}
        figures = in_turns(stores, sizes, text)
        _check_found(stores[OURS], text)
        for store in stores.values():
            store.close()
    raw, ours = figures[RAW], figures[OURS]
    section.tables.append(
        table(
            ["store", "appends/s", "range", "p50", "p99", "x raw"],
            [(name, *found.cells(), f"{ratio(found.rates, raw.rates):.2f}") for name, found in figures.items()],
        )
    )
    section.verdicts.append(at_least("append, x raw SQLite", ratio(ours.rates, raw.rates), 0.75))
    if AGENTS in figures:
        section.verdicts.append(at_least(f"append, x {AGENTS}", ratio(ours.rates, figures[AGENTS].rates), 1.4))
    section.figures["rates"] = {name: found.rates for name, found in figures.items()}
    _measure_growth(section, place, sizes, text)
    return section


def in_turns(stores: dict[Any, Any], sizes: Sizes, text: str) -> dict[Any, _Figures]:
    """Short turns, many times: a disturbance of the disk or the processors lasts longer than one and strikes all."""
    figures = {name: _Figures() for name in stores}
    for store in stores.values():
        store.append_for(sizes.seconds, text)
    for name in shuffled_rounds(list(stores), sizes.rounds):
        times, failed = stores[name].append_for(sizes.seconds, text)
        assert not failed
        figures[name].take(times)
    return figures


def _own(folder: Path, number: int) -> Path:
    directory = folder / str(number)
    directory.mkdir()
    return directory


def _check_found(store: Chatkeep, text: str) -> None:
    """The promise that is measured: what was appended last is found."""
    store.keep.messages.append(store.conversation, "user", f"{MARKER} {text}")
    assert store.keep.search(MARKER, wait=True).hits


def _measure_growth(section: Section, place: Path, sizes: Sizes, text: str) -> None:
    """Appends to a small and a large store, in turns."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        stores = {count: _filled(Path(folder) / str(count), count) for count in (sizes.small, sizes.large)}
        figures = in_turns(stores, sizes, text)
        for store in stores.values():
            store.close()
    small, large = figures[sizes.small], figures[sizes.large]
    section.tables.append(
        table(
            ["messages in the store", "appends/s", "range", "p50", "p99"],
            [(f"{count:,}", *found.cells()) for count, found in figures.items()],
        )
    )
    what = f"time of an append at {sizes.large:,} messages, x that at {sizes.small:,}"
    section.verdicts.append(at_most(what, ratio(small.rates, large.rates), 1.3))
    section.figures["growth"] = {str(count): found.rates for count, found in figures.items()}


def _filled(directory: Path, count: int) -> Chatkeep:
    """A store with so many messages; the conversation that is open holds the last of them."""
    store = Chatkeep(directory, durability="process")
    texts = kilobyte_texts(min(count, 1000))
    for done in range(0, count, _PER_CONVERSATION):
        store.conversation = store.keep.conversations.create(title=f"Conversation {done}").id
        room = min(_PER_CONVERSATION, count - done)
        for start in range(0, room, len(texts)):
            store.extend(texts[: min(len(texts), room - start)])
    conversation = store.conversation
    store.close()
    return Chatkeep(directory, conversation)
