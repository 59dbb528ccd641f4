"""Keeps eight processes at work on one store and kills them: ``python -m tests.faults.kill_run <root> <kills> <seed>``.

This process has imported everything and opened nothing, so that a fork is a process that is ready to open the store.
"""

from __future__ import annotations

import heapq
import os
import random
import signal
import sys
import time
from pathlib import Path

# What a life needs and would only import when it is first called; once for all of them.
from chatkeep.services import importing as importing
from chatkeep.services import purging as purging
from tests.faults.kill_life import Places, live

PROCESSES = 8
SHORTEST_S, LONGEST_S = 0.005, 0.9


def main(root: Path, kills: int, seed: int) -> None:
    """Kill so many processes, one at a time, each at a random moment of its life."""
    places, luck = Places(root), random.Random(seed)
    places.logs.mkdir()
    running: list[tuple[float, int, int]] = []
    with (places.logs / "killed").open("w") as killed:
        for number in range(kills + PROCESSES - 1):
            if len(running) == PROCESSES:
                killed.write(_kill(heapq.heappop(running)))
            lifetime = SHORTEST_S + (LONGEST_S - SHORTEST_S) * luck.random() ** 2
            heapq.heappush(running, (time.monotonic() + lifetime, _born(places, number, seed), number))
        while running:
            killed.write(_kill(heapq.heappop(running)))


def _born(places: Places, number: int, seed: int) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            live(places, number, seed)
        finally:
            os._exit(1)
    return pid


def _kill(who: tuple[float, int, int]) -> str:
    end, pid, number = who
    time.sleep(max(end - time.monotonic(), 0))
    os.kill(pid, signal.SIGKILL)
    at = time.monotonic_ns()
    os.waitpid(pid, 0)
    return f"{number} {at}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
