"""Turns between processes: whoever waits at the entry is next, so that a fast writer cannot overtake the others.

SQLite's own busy handler polls, and of several writers one wins for seconds while the others starve. Here the kernel
queues them: a writer takes the entry, then the turn, then lets the next one into the entry.
"""

from __future__ import annotations

from pathlib import Path

from chatkeep.store.sqlite.locks import EXCLUSIVE, TRY_EXCLUSIVE, UNLOCK, close_lock_file, flock, open_lock_file
from chatkeep.store.sqlite.lock_holders import describe_holder


class Turnstile:
    """Two locks taken in order. Not thread-safe: its process lets one thread at a time use it."""

    def __init__(self, directory: Path) -> None:
        self._turn_path = directory / "turn-b"
        self._entry = open_lock_file(directory / "turn-a")
        self._turn = open_lock_file(self._turn_path)

    def try_enter(self) -> bool:
        """Take the turn if nobody has it or waits for it."""
        entry = self._entry
        try:
            flock(entry, TRY_EXCLUSIVE)
        except BlockingIOError:
            return False
        try:
            flock(self._turn, TRY_EXCLUSIVE)
        except BlockingIOError:
            flock(entry, UNLOCK)
            return False
        flock(entry, UNLOCK)
        return True

    def enter(self) -> None:
        """Wait for the turn, however long it takes."""
        flock(self._entry, EXCLUSIVE)
        flock(self._turn, EXCLUSIVE)
        flock(self._entry, UNLOCK)

    def leave(self) -> None:
        """Hand the turn on."""
        flock(self._turn, UNLOCK)

    def reset(self) -> None:
        """Let go of whatever an interrupted call had taken."""
        flock(self._turn, UNLOCK)
        flock(self._entry, UNLOCK)

    def holder(self) -> str | None:
        """Who has the turn now, in words, or None if nobody has or it cannot be told."""
        return describe_holder(self._turn_path)

    def close(self) -> None:
        """Close both files."""
        close_lock_file(self._entry)
        close_lock_file(self._turn)
