"""Many writers at once: threads of one process, and processes."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import OURS, RAW, Chatkeep, Contender, RawSqlite
from benchmarks.corpus import kilobyte_texts
from benchmarks.measuring import Child, median, quantile, ratio, shuffled_rounds
from benchmarks.results import Section, at_least, at_most, per_second, span, table

_ONE, _MANY = f"{RAW}: one process", f"{RAW}: {{}} processes"


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    writers: int
    thread_rounds: int
    thread_seconds: float
    process_rounds: int
    process_seconds: float


FULL = Sizes(writers=8, thread_rounds=20, thread_seconds=0.3, process_rounds=3, process_seconds=8.0)
QUICK = Sizes(writers=8, thread_rounds=8, thread_seconds=0.15, process_rounds=1, process_seconds=2.0)


def run(place: Path, sizes: Sizes) -> Section:
    """Measure in a directory."""
    section = Section(
        "writers: many at once",
        f"{sizes.writers} threads, and {sizes.writers} processes, append messages of 1 kB to one store, each to a"
        f" conversation of its own. Beside them {RAW}, with a busy timeout of a minute.",
    )
    _measure_threads(section, place, sizes)
    _measure_processes(section, place, sizes)
    return section


# --- threads ---------------------------------------------------------------------------------------------------------


def _measure_threads(section: Section, place: Path, sizes: Sizes) -> None:
    text = kilobyte_texts(1)[0]
    many = f"{OURS}: {sizes.writers} threads"
    with tempfile.TemporaryDirectory(dir=place) as folder:
        raw_store = RawSqlite(Path(folder))
        stores = [Chatkeep(Path(folder) / "ours") for _ in range(sizes.writers)]
        ways: dict[str, Callable[[], float]] = {
            f"{RAW}: one thread": lambda: _rate([raw_store], sizes.thread_seconds, text),
            f"{OURS}: one thread": lambda: _rate(stores[:1], sizes.thread_seconds, text),
            many: lambda: _rate(stores, sizes.thread_seconds, text),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way()
        for name in shuffled_rounds(list(ways), sizes.thread_rounds):
            rates[name].append(ways[name]())
        raw_store.close()
        for store in stores:
            store.close()
    raw = rates[f"{RAW}: one thread"]
    section.tables.append(
        table(
            ["threads", "appends/s", "range", "x raw"],
            [
                (
                    name,
                    per_second(median(found)),
                    f"{per_second(min(found))}-{per_second(max(found))}",
                    f"{ratio(found, raw):.2f}",
                )
                for name, found in rates.items()
            ],
        )
    )
    what = f"{sizes.writers} threads, x raw SQLite with one"
    section.verdicts.append(at_least(what, ratio(rates[many], raw), 1.8))
    section.figures["threads"] = rates


def _rate(stores: Sequence[Contender], seconds: float, text: str) -> float:
    """Appends a second, a thread for each store."""
    if len(stores) == 1:
        times, failed = stores[0].append_for(seconds, text)
        assert not failed
        return len(times) / sum(times)
    counts: list[int] = []

    def append(store: Contender) -> None:
        times, failed = store.append_for(seconds, text)
        assert not failed
        counts.append(len(times))

    workers = [threading.Thread(target=append, args=(store,)) for store in stores]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(counts) == len(stores)
    return sum(counts) / (time.perf_counter() - begun)


# --- processes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Race:
    rate: float
    p50: float
    p99: float
    worst: float
    fairness: float
    errors: int


def _measure_processes(section: Section, place: Path, sizes: Sizes) -> None:
    many, ours = _MANY.format(sizes.writers), f"{OURS}: {sizes.writers} processes"
    ways = {_ONE: ("append-raw", 1), many: ("append-raw", sizes.writers), ours: ("append", sizes.writers)}
    races: dict[str, list[_Race]] = {name: [] for name in ways}
    for name in shuffled_rounds(list(ways), sizes.process_rounds):
        job, writers = ways[name]
        races[name].append(_race(job, writers, place, sizes.process_seconds))
    rates = {name: [race.rate for race in found] for name, found in races.items()}
    section.tables.append(
        table(
            ["processes", "appends/s in all", "x raw, one", "p50", "p99", "worst", "slowest / fastest", "errors"],
            [_race_row(name, found, ratio(rates[name], rates[_ONE])) for name, found in races.items()],
        )
    )
    mine = races[ours]
    # On a slow disk one append alone takes longer than the goal allows eight.
    limit_ms = max(50.0, 5e3 * median([race.worst for race in races[_ONE]]))
    about = f"{sizes.writers} processes: "
    section.verdicts += [
        at_most(f"{about}errors", sum(race.errors for race in mine), 0, ""),
        at_most(f"{about}worst append", 1e3 * median([race.worst for race in mine]), round(limit_ms), " ms"),
        at_least(f"{about}slowest / fastest writer", median([race.fairness for race in mine]), 0.9, ""),
        at_least(f"{about}total, x raw SQLite with as many", ratio(rates[ours], rates[many]), 0.55),
    ]
    section.figures["processes"] = {name: [vars(race) for race in found] for name, found in races.items()}


def _race_row(name: str, races: list[_Race], times_raw: float) -> list[str]:
    def middle(field: str) -> float:
        return median([getattr(race, field) for race in races])

    return [
        name,
        per_second(middle("rate")),
        f"{times_raw:.2f}",
        *(span(middle(field)) for field in ("p50", "p99", "worst")),
        f"{middle('fairness'):.2f}",
        str(sum(race.errors for race in races)),
    ]


def _race(job: str, writers: int, place: Path, seconds: float) -> _Race:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        children = [Child(job, directory=folder, writer=number, seconds=seconds) for number in range(1, writers + 1)]
        for child in children:
            child.ready()
        for child in children:
            child.go()
        found = [child.result() for child in children]
    times = [seconds_each for one in found for seconds_each in one["times"]]
    counts = [len(one["times"]) for one in found]
    return _Race(
        rate=len(times) / seconds,
        p50=median(times),
        p99=quantile(times, 0.99),
        worst=max(times),
        fairness=min(counts) / max(counts),
        errors=sum(one["errors"] for one in found),
    )
