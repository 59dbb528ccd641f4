"""Times, ratios of medians, memory, and processes of our own to measure in."""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
"""Where ``python -m benchmarks`` works."""


def median(values: Sequence[float]) -> float:
    """The middle of the values; not a number if there are none."""
    return statistics.median(values) if values else math.nan


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; not a number if there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """How often the median of ``other`` fits into the median of ``one``."""
    below = median(other)
    return median(one) / below if below else math.nan


def timed(work: Callable[[], object]) -> float:
    """The seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def shuffled_rounds(contenders: Sequence[T], rounds: int) -> Iterator[T]:
    """Every contender once a round, each round in another order, so that a disturbance strikes all alike."""
    order = random.Random(rounds)
    for _ in range(rounds):
        yield from order.sample(list(contenders), len(contenders))


def best_of_turns(works: Sequence[Callable[[], object]], *, rounds: int, repeats: int) -> list[list[float]]:
    """For each work the median seconds of its ``repeats`` calls in a row, one figure a round, works taking turns."""
    figures: list[list[float]] = [[] for _ in works]
    for number in shuffled_rounds(range(len(works)), rounds):
        figures[number].append(median([timed(works[number]) for _ in range(repeats)]))
    return figures


def peak_memory_bytes() -> int:
    """The most memory that this process held so far."""
    try:
        # What `getrusage` says may be the parent's, from before the program was loaded.
        status = Path("/proc/self/status").read_text("ascii", "replace")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


class Child:
    """A process of our own that does one job of :mod:`benchmarks.child`, once it is told to."""

    def __init__(self, job: str, **options: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", job, json.dumps(options)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> None:
        """Wait until it has opened what it works on."""
        self._line()

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """What it found out."""
        found: dict[str, Any] = json.loads(self._line())
        self._process.communicate()
        return found

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            raise RuntimeError(f"a measuring process ended early, with {self._process.returncode}")
        return line


def in_child(job: str, **options: Any) -> dict[str, Any]:
    """Do one job in a process of its own, and return what it found out."""
    child = Child(job, **options)
    child.ready()
    child.go()
    return child.result()


def sync_floor_s(directory: Path, count: int = 200) -> float:
    """The median seconds of appending 1 kB to a file and syncing it: the floor of every durable write here."""
    sync = getattr(os, "fdatasync", os.fsync)
    block = b"x" * 1024
    path = directory / "floor"
    with path.open("wb", buffering=0) as file:

        def append() -> None:
            file.write(block)
            sync(file.fileno())

        times = [timed(append) for _ in range(count)]
    path.unlink()
    return median(times)
