"""What a part of the benchmarks found, its goals, and how both are shown: tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """A goal beside what was measured."""

    what: str
    goal: str
    measured: str
    is_met: bool
    gap: str
    """Empty if it is met, else by how much it was missed."""


def at_least(what: str, value: float, goal: float, unit: str = " x") -> Verdict:
    """A verdict on what must not be lower."""
    is_met = value >= goal
    return Verdict(what, f">= {goal:g}{unit}", _shown(value, unit), is_met, "" if is_met else _gap(1 - value / goal))


def at_most(what: str, value: float, goal: float, unit: str = " x") -> Verdict:
    """A verdict on what must not be higher."""
    is_met = value <= goal
    gap = _gap(value / goal - 1) if goal else _shown(value, unit)
    return Verdict(what, f"<= {goal:g}{unit}", _shown(value, unit), is_met, "" if is_met else gap)


def _gap(share: float) -> str:
    return "not measured" if math.isnan(share) else f"{share:.0%}"


def _shown(value: float, unit: str) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}{unit}" if value >= 100 or value == int(value) else f"{value:.3g}{unit}"


@dataclass
class Section:
    """One part's findings."""

    title: str
    about: str
    """What is measured, and against what."""
    tables: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    """The raw ones, for ``--json``."""

    def markdown(self) -> str:
        """The section as it is printed."""
        pieces = [f"### {self.title}", self.about, *self.tables]
        if self.verdicts:
            pieces.append(goals_table(self.verdicts))
        if self.notes:
            pieces.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(pieces) + "\n"


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; all columns but the first are figures."""
    lines = [_line(headers), _line(["---", *["---:"] * (len(headers) - 1)])]
    lines += [_line(row) for row in rows]
    return "\n".join(lines)


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def goals_table(verdicts: Iterable[Verdict]) -> str:
    """All goals with their verdicts."""
    rows = [
        (found.what, found.goal, found.measured, "met" if found.is_met else f"**missed by {found.gap}**")
        for found in verdicts
    ]
    return table(["goal", "wanted", "measured", "verdict"], rows)


def span(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if math.isnan(seconds):
        return "-"
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def per_second(rate: float) -> str:
    """A rate."""
    return f"{rate:,.0f}"
