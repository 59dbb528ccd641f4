"""What a process that will be killed writes down: what it begins, and what was acknowledged.

Each life has a file of its own. A line is appended by one system call, so it is whole or not there, and it stays when
the process is killed: the system has it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec


class Ledger:
    """The file of one life, for the process that lives it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def begin(self, what: str, **facts: Any) -> None:
        """Say what is about to be called."""
        self._say({"begin": what, **facts})

    def done(self, what: str, **facts: Any) -> None:
        """Say that the call returned."""
        self._say({"done": what, **facts})

    def wrong(self, text: str) -> None:
        """Say what must not happen."""
        self._say({"wrong": text})

    def _say(self, entry: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")


class Act(msgspec.Struct):
    """One call of a life: its facts, and whether it was acknowledged before the kill."""

    what: str
    facts: dict[str, Any]
    is_done: bool = False


class Life(msgspec.Struct, frozen=True):
    """What one process did, in its order."""

    number: int
    acts: list[Act]
    wrongs: list[str]
    killed_ns: int


def read_lives(directory: Path) -> Iterator[Life]:
    """Every life of a run, by its number."""
    killed = {}
    for line in (directory / "killed").read_text().splitlines():
        number, at = line.split()
        killed[int(number)] = int(at)
    for life, killed_ns in sorted(killed.items()):
        path = directory / f"life-{life}"
        lines = path.read_text().splitlines() if path.exists() else []
        yield _life(life, [json.loads(line) for line in lines], killed_ns)


def _life(number: int, entries: list[dict[str, Any]], killed_ns: int) -> Life:
    acts: list[Act] = []
    wrongs = []
    for entry in entries:
        if "wrong" in entry:
            wrongs.append(f"life {number}: {entry['wrong']}")
        elif "begin" in entry:
            acts.append(Act(entry.pop("begin"), entry))
        else:
            assert acts[-1].what == entry.pop("done")
            acts[-1].is_done = True
            acts[-1].facts.update(entry)
    return Life(number, acts, wrongs, killed_ns)
