"""A process that indexes a store: ``python -m tests.faults.search_worker <directory> <place> <count>``.

It stops itself as ``kill -9`` does when it reaches a named place for the given time. The place ``nowhere`` lets it
work until it is killed from outside; then it prints a line when it begins.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from chatkeep.store.sqlite.search.builder import Builder
from chatkeep.store.sqlite.search.database import SearchFile
from chatkeep.store.sqlite.search.turn import Turn
from tests.search_corpus import open_engine


def main(directory: Path, place: str, count: int) -> None:
    """Index until the place is reached, in steps as small as they get."""
    left = count

    def reached(name: str) -> None:
        nonlocal left
        left -= name == place
        if name == place and not left:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = open_engine(directory)
    with Turn(directory / "locks").taken(60) as mine:
        assert mine
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        builder = Builder(engine, SearchFile(directory), reached=reached)
        while builder.catch_up(100):
            pass
        while place == "nowhere":
            builder.rebuild()
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
