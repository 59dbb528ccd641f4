"""Eight processes open one new store at once: ``python -m tests.faults.first_openings <root> <how many stores>``.

This process has imported everything and opened nothing, so that those that it forks meet within a millisecond.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import chatkeep
from chatkeep import keep as keep

PROCESSES = 8


def main(root: Path, times: int) -> None:
    """Let them meet at so many stores; ends with 1 if any of them failed."""
    failed = 0
    for number in range(times):
        gate, opener = os.pipe()
        children = [_child(root / str(number), gate, opener, name) for name in range(PROCESSES)]
        os.close(gate)
        # All of them read from it, and now see its end.
        os.close(opener)
        failed += sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)
    sys.exit(failed > 0)


def _child(place: Path, gate: int, opener: int, name: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(opener)
        os.read(gate, 1)
        with chatkeep.open(place) as opened:
            opened.messages.append(opened.conversations.create(title=str(name)).id, "user", "first")
            code = 0 if opened.search("first", wait=True).hits else 2
    except BaseException:  # noqa: BLE001 - the outermost frame of a process
        traceback.print_exc()
    os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
