"""Programs that share a store with a test: ``python -m tests.faults.actors <role> <directory> ...``.

Each prints a line when it is ready, and obeys lines on its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chatkeep.store.engine import Transaction
from tests.faults.notes import NEWER_NOTES, add, count, open_notes

ROOT = Path(__file__).parents[2]


class Actor:
    """One such program, seen from the test."""

    def __init__(self, role: str, directory: Path, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.actors", role, str(directory), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str = "go") -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.process.kill()
        self.end()

    def end(self) -> int:
        """Wait until it has ended; its exit status."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        return self.process.wait(60)


@contextlib.contextmanager
def acting(role: str, directory: Path, *arguments: object) -> Iterator[Actor]:
    """An actor that is gone at the end, whatever happens."""
    actor = Actor(role, directory, *arguments)
    try:
        yield actor
    finally:
        if actor.process.poll() is None:
            actor.kill()
        else:
            actor.end()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _hold_the_turn(directory: Path) -> None:
    """Stay in the middle of a write until told to go on."""
    engine = open_notes(directory)

    def work(tx: Transaction) -> None:
        add("half written")(tx)
        _say("holding")
        sys.stdin.readline()

    engine.write(work)
    engine.close()
    _say("done")


def _hold_from_a_fork(directory: Path) -> None:
    """Fork in the middle of a write; the parent dies, the child lives on."""
    engine = open_notes(directory)

    def work(tx: Transaction) -> None:
        add("half written")(tx)
        child = os.fork()
        if child == 0:
            _say(f"forked {os.getpid()}")
            sys.stdin.readline()
            os._exit(0)
        os._exit(0)

    engine.write(work)


def _open_and_add(directory: Path, name: str) -> None:
    """Open when told, add one note, count."""
    _say("ready")
    sys.stdin.readline()
    engine = open_notes(directory)
    engine.write(add(name))
    _say(str(engine.read(count)))
    engine.close()


def _open_many(root: Path, name: str, how_many: str) -> None:
    """Open one store after the other, at the same time as others do."""
    _say("ready")
    sys.stdin.readline()
    for number in range(int(how_many)):
        engine = open_notes(root / str(number))
        engine.write(add(name))
        engine.close()
        # All meet again at the next one.
        _say(str(number))
        sys.stdin.readline()


def _add_many(directory: Path, name: str, seconds: str) -> None:
    """Add for a while; print how many, and the longest wait in milliseconds."""
    engine = open_notes(directory)
    _say("ready")
    sys.stdin.readline()
    added, longest = 0, 0.0
    end = time.monotonic() + float(seconds)
    while (begun := time.monotonic()) < end:
        engine.write(add(f"{name}-{added}"))
        longest = max(longest, time.monotonic() - begun)
        added += 1
    engine.close()
    _say(json.dumps({"added": added, "longest_ms": longest * 1_000}))


def _read_always(directory: Path) -> None:
    """Read one state after the other, each for a good while, until the input ends."""
    engine = open_notes(directory, read_only=True)
    _say("ready")
    for _ in range(1_000_000):
        engine.read(lambda tx: [count(tx) for _ in range(50)])
        if _ended():
            break
    engine.close()


def _ended() -> bool:
    import select

    return bool(select.select([sys.stdin], [], [], 0)[0])


def _migrate(directory: Path) -> None:
    """A newer program opens the store."""
    open_notes(directory, migrations=NEWER_NOTES).close()


def _stay_in_a_read(directory: Path) -> None:
    """Keep one state of the store until told to go on."""
    engine = open_notes(directory, read_only=True)

    def work(tx: Transaction) -> None:
        _say(str(count(tx)))
        sys.stdin.readline()

    engine.read(work)
    engine.close()


def _lock_out(directory: Path) -> None:
    """A program that takes no turns, such as a database shell."""
    import apsw

    connection = apsw.Connection(str(directory / "chats.db"))
    connection.execute("BEGIN IMMEDIATE")
    _say("locked")
    sys.stdin.readline()
    connection.execute("ROLLBACK")
    connection.close()


ROLES: dict[str, Callable[..., None]] = {
    "hold": _hold_the_turn,
    "fork": _hold_from_a_fork,
    "open": _open_and_add,
    "open-many": _open_many,
    "add-many": _add_many,
    "read-always": _read_always,
    "migrate": _migrate,
    "stay": _stay_in_a_read,
    "lock-out": _lock_out,
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
