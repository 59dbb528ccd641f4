"""Importing a file like ChatGPT's export, for the first and for the second time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import OURS
from benchmarks.corpus import ExportSize, write_chatgpt_export
from benchmarks.measuring import in_child, median, ratio, shuffled_rounds
from benchmarks.results import Section, at_least, at_most, span, table

_TIGHT = "tight script"
_FIRST = f"{OURS}, first time"
_SECOND = f"{OURS}, second time"
_MB = 1_000_000


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    size_bytes: int
    large_bytes: int | None
    """A second, larger file, for the memory that it takes; None leaves it out."""
    rounds: int
    vocabulary: int = 60_000


FULL = Sizes(size_bytes=100 * _MB, large_bytes=1000 * _MB, rounds=5)
QUICK = Sizes(size_bytes=10 * _MB, large_bytes=None, rounds=3)


def run(place: Path, sizes: Sizes) -> Section:
    """Measure in a directory."""
    section = Section(
        "import: a ChatGPT export",
        f"A file of {sizes.size_bytes / _MB:,.0f} MB, read to the last message and searchable when it ends; each run is"
        " a process of its own. The limit is a script that decodes only the fields that it stores, inserts them in one"
        " transaction, builds an FTS5 index in one statement, and syncs once.",
    )
    source = place / "conversations.json"
    made = write_chatgpt_export(source, sizes.size_bytes, vocabulary_size=sizes.vocabulary)
    found: dict[str, list[dict[str, Any]]] = {_TIGHT: [], _FIRST: [], _SECOND: []}
    for name in shuffled_rounds([_TIGHT, _FIRST], sizes.rounds):
        with tempfile.TemporaryDirectory(dir=place) as folder:
            _one_round(name, str(source), folder, made, found)
    _show(section, found, made)
    source.unlink()
    if sizes.large_bytes is not None:
        _measure_memory(section, place, sizes.large_bytes, sizes.vocabulary)
    return section


def _one_round(name: str, source: str, folder: str, made: ExportSize, found: dict[str, list[dict[str, Any]]]) -> None:
    first = in_child("import-tight" if name == _TIGHT else "import", source=source, directory=folder)
    assert first["added"] == made.messages, (first, made)
    found[name].append(first)
    if name == _FIRST:
        second = in_child("import", source=source, directory=folder)
        assert (second["added"], second["unchanged"]) == (0, made.messages), second
        found[_SECOND].append(second)


def _show(section: Section, found: dict[str, list[dict[str, Any]]], made: ExportSize) -> None:
    seconds = {name: [one["seconds"] for one in runs] for name, runs in found.items()}
    peaks = {name: max(one["peak_bytes"] for one in runs) / _MB for name, runs in found.items()}
    section.tables.append(
        table(
            ["import", "time", "MB/s", "messages/s", "rate, x limit", "peak memory"],
            [
                (
                    name,
                    span(median(times)),
                    f"{made.size_bytes / _MB / median(times):.1f}",
                    f"{made.messages / median(times):,.0f}",
                    f"{ratio(seconds[_TIGHT], times):.2f}",
                    f"{peaks[name]:,.0f} MB",
                )
                for name, times in seconds.items()
            ],
        )
    )
    section.notes.append(f"{made.conversations:,} conversations, {made.messages:,} messages.")
    section.verdicts += [
        at_least("import, x rate of the tight script", ratio(seconds[_TIGHT], seconds[_FIRST]), 0.6),
        at_most(f"import of {made.size_bytes / _MB:,.0f} MB, peak memory", peaks[_FIRST], 200, " MB"),
        at_least("second import, x as fast as the first", ratio(seconds[_FIRST], seconds[_SECOND]), 3),
    ]
    section.figures = dict(found)


def _measure_memory(section: Section, place: Path, size_bytes: int, vocabulary: int) -> None:
    source = place / "large.json"
    made = write_chatgpt_export(source, size_bytes, vocabulary_size=vocabulary)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        found = in_child("import", source=str(source), directory=folder)
    source.unlink()
    assert found["added"] == made.messages, (found, made)
    size = f"{size_bytes / _MB:,.0f} MB"
    section.notes.append(
        f"{size} took {span(found['seconds'])}, {made.size_bytes / _MB / found['seconds']:.1f} MB/s,"
        f" {made.messages:,} messages."
    )
    section.verdicts.append(at_most(f"import of {size}, peak memory", found["peak_bytes"] / _MB, 200, " MB"))
    section.figures["large"] = found
