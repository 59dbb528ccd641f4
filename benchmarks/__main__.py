"""``python -m benchmarks``: Chatkeep beside its limits and its peers, as ratios of medians taken in turns.

See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from benchmarks import append, importing, listing, load, searching, starting, writers
from benchmarks.measuring import sync_floor_s
from benchmarks.results import Section, goals_table, span

PARTS: dict[str, Any] = {
    "append": append,
    "writers": writers,
    "load": load,
    "list": listing,
    "import": importing,
    "search": searching,
    "startup": starting,
}
"""Modules with ``FULL`` and ``QUICK`` sizes and ``run(place, sizes)``, in the order in which they run."""

BEGIN = "<!-- results: printed by `python -m benchmarks --markdown` -->"
END = "<!-- end of results -->"


def machine(place: Path) -> str:
    """The machine in general terms."""
    versions = (
        f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()} ({sqlite3.sqlite_version} in raw"
    )
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB of memory"
    return (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {platform.system()} on {platform.machine()},"
        f" {os.cpu_count()} processors{memory}, {versions} contenders), appending 1 kB and syncing it:"
        f" {span(sync_floor_s(place))}"
    )


def load_average() -> str:
    """How busy the machine is: figures of a busy one say little."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def measure(names: Sequence[str], place: Path, *, quick: bool) -> dict[str, Section]:
    """Run these parts one after another."""
    found: dict[str, Section] = {}
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        begun, busy = time.monotonic(), load_average()
        part = PARTS[name]
        section: Section = part.run(place, part.QUICK if quick else part.FULL)
        section.notes.append(
            f"Took {time.monotonic() - begun:.0f} s; load average {busy} before, {load_average()} after."
        )
        found[name] = section
        print(section.markdown(), file=sys.stderr, flush=True)
    return found


def report(sections: dict[str, Section], about: str, *, quick: bool) -> str:
    """Everything, the goals first."""
    verdicts = [verdict for section in sections.values() for verdict in section.verdicts]
    met = sum(verdict.is_met for verdict in verdicts)
    pieces = [f"Measured {about}.", f"{met} of {len(verdicts)} goals met."]
    if quick:
        pieces.append("**Quick run: small sizes, which check the programs and say little about speed.**")
    pieces += [goals_table(verdicts), *(section.markdown() for section in sections.values())]
    return "\n\n".join(pieces).rstrip() + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Run what was asked for and print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, about a minute: does it work at all?")
    parser.add_argument("--dir", type=Path, help="work on this disk; else where temporary files go")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all raw figures to a file")
    parser.add_argument("--markdown", action="store_true", help="print it as the section of docs/benchmarks.md")
    given = parser.parse_args(argv)
    if unknown := sorted(set(given.parts) - set(PARTS)):
        parser.error(f"unknown part {', '.join(unknown)}: one of {', '.join(PARTS)}")
    names = [name for name in PARTS if name in given.parts or not given.parts]
    if given.dir is not None:
        given.dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chatkeep-bench-", dir=given.dir) as folder:
        about = machine(Path(folder))
        sections = measure(names, Path(folder), quick=given.quick)
    text = report(sections, about, quick=given.quick)
    print(f"{BEGIN}\n\n{text}\n{END}" if given.markdown else text)
    if given.json is not None:
        figures = {name: section.figures for name, section in sections.items()}
        given.json.write_text(json.dumps({"about": about, "parts": figures}, indent=1, default=str), "utf-8")


if __name__ == "__main__":
    main()
