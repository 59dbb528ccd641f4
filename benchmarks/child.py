"""What is measured in a process of its own: ``python -m benchmarks.child JOB OPTIONS``.

It says when it is ready, begins when a line arrives, and prints what it found as one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measuring import peak_memory_bytes

Work = Callable[[], dict[str, Any]]


def append_raw(directory: str, writer: int, seconds: float) -> Work:
    """Append to raw SQLite until the time is up."""
    from benchmarks.contenders import RawSqlite

    return _append(RawSqlite(Path(directory), writer), seconds)


def append_ours(directory: str, writer: int, seconds: float) -> Work:
    """Append to Chatkeep until the time is up."""
    from benchmarks.contenders import Chatkeep

    return _append(Chatkeep(Path(directory)), seconds)


def _append(store: Any, seconds: float) -> Work:
    def work() -> dict[str, Any]:
        text = ("A text of no interest, but of the right length. " * 22)[:1024]
        times, errors = store.append_for(seconds, text)
        store.close()
        return {"times": times, "errors": errors}

    return work


def import_ours(source: str, directory: str) -> Work:
    """Import a file into a store, which may hold it already; when it returns, a search finds all of it."""
    import chatkeep

    def work() -> dict[str, Any]:
        begun = time.perf_counter()
        with chatkeep.open(Path(directory)) as keep:
            report = keep.import_from(source)
        seconds = time.perf_counter() - begun
        assert not report.skipped, report.skipped[0]
        messages = report.messages
        return {"seconds": seconds, "added": messages.added, "unchanged": messages.unchanged}

    return work


def import_tight(source: str, directory: str) -> Work:
    """The same with the shortest program that does nothing else."""
    from benchmarks.tight_import import import_file

    def work() -> dict[str, Any]:
        begun = time.perf_counter()
        added = import_file(Path(source), Path(directory) / "tight.db")
        return {"seconds": time.perf_counter() - begun, "added": added}

    return work


JOBS: dict[str, Callable[..., Work]] = {
    "append-raw": append_raw,
    "append": append_ours,
    "import": import_ours,
    "import-tight": import_tight,
}


def main(arguments: list[str]) -> None:
    """Do one job."""
    job, options = arguments
    work = JOBS[job](**json.loads(options))
    print("ready", flush=True)
    sys.stdin.readline()
    found = work()
    print(json.dumps(found | {"peak_bytes": peak_memory_bytes()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
