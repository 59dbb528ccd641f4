"""How long a process takes to start."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.contenders import Chatkeep
from benchmarks.corpus import Texts
from benchmarks.measuring import best_of_turns, median
from benchmarks.results import Section, at_most, span, table

_BARE = "python -c pass"
_IMPORT = "import chatkeep"
_FRONT_DOOR = "import chatkeep.keep"
_LIST = "chatkeep list"


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    conversations: int
    rounds: int


FULL = Sizes(conversations=200, rounds=21)
QUICK = Sizes(conversations=20, rounds=7)


def run(place: Path, sizes: Sizes) -> Section:
    """Measure in a directory."""
    section = Section(
        "startup: a process from its start to its end",
        "Whole processes, with compiled modules and files in memory, without `PYTHON...` variables.",
    )
    with tempfile.TemporaryDirectory(dir=place) as folder:
        _fill(Path(folder), sizes.conversations)
        python = sys.executable
        commands = {
            _BARE: [python, "-c", "pass"],
            _IMPORT: [python, "-c", "import chatkeep"],
            _FRONT_DOOR: [python, "-c", "import chatkeep.keep"],
            _LIST: [python, "-m", "chatkeep", "--home", folder, "list"],
        }
        for command in commands.values():
            _process(command)
        found = best_of_turns(
            [partial(_process, command) for command in commands.values()], rounds=sizes.rounds, repeats=1
        )
    figures = dict(zip(commands, found, strict=True))
    bare = median(figures[_BARE])
    section.tables.append(
        table(
            ["process", "time", "range", "over bare Python"],
            [
                (name, span(median(times)), f"{span(min(times))}-{span(max(times))}", span(median(times) - bare))
                for name, times in figures.items()
            ],
        )
    )
    section.verdicts += [
        at_most("import chatkeep, over bare Python", 1e3 * (median(figures[_IMPORT]) - bare), 25, " ms"),
        at_most("chatkeep list, whole process", 1e3 * median(figures[_LIST]), 150, " ms"),
    ]
    section.figures = dict(figures)
    return section


def _process(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CHATKEEP"))}
    quiet = subprocess.DEVNULL
    subprocess.run(command, check=True, env=environment, stdout=quiet, stderr=quiet)


def _fill(directory: Path, count: int) -> None:
    texts = Texts(words=30, vocabulary_size=5_000)
    store = Chatkeep(directory, durability="process")
    for number in range(count):
        store.keep.messages.append(
            store.keep.conversations.create(title=f"Conversation {number}").id, "user", next(texts)
        )
    store.close()
