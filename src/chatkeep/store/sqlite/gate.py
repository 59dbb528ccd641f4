"""The reader gate: readers share it, and who empties the write-ahead log closes it for a moment.

Without it ordinary readers, one always inside, keep SQLite from ever starting the log anew, and it grows without
bounds. Readers pass an entry first, so that whoever holds the entry keeps new ones out until those inside have left.
"""

from __future__ import annotations

import time
from pathlib import Path

from chatkeep.store.sqlite.lock_holders import describe_holder
from chatkeep.store.sqlite.locks import (
    SHARED,
    TRY_EXCLUSIVE,
    UNLOCK,
    close_lock_file,
    flock,
    open_lock_file,
)


class GatePass:
    """One party's way through the gate. It has descriptors of its own: threads that shared them would share a lock."""

    def __init__(self, directory: Path, *, create: bool = True) -> None:
        self._gate_path = directory / "gate"
        self._entry = open_lock_file(directory / "gate-entry", create=create)
        try:
            self._gate = open_lock_file(self._gate_path, create=create)
        except OSError:
            close_lock_file(self._entry)
            raise

    def enter(self) -> None:
        """Go in as a reader, beside others; waits while somebody closes the gate, which is short."""
        entry = self._entry
        try:
            flock(entry, SHARED)
            flock(self._gate, SHARED)
        finally:
            flock(entry, UNLOCK)

    def leave(self) -> None:
        """Go out."""
        flock(self._gate, UNLOCK)

    def shut(self, *, timeout_s: float) -> bool:
        """Keep new readers out and wait until those inside have left; False, and open as before, if they stay."""
        end = time.monotonic() + timeout_s
        if not _try_until(self._entry, end):
            return False
        if _try_until(self._gate, end):
            return True
        flock(self._entry, UNLOCK)
        return False

    def reopen(self) -> None:
        """Undo :meth:`shut`."""
        flock(self._gate, UNLOCK)
        flock(self._entry, UNLOCK)

    def holder(self) -> str | None:
        """Who is inside, in words, if the kernel tells."""
        return describe_holder(self._gate_path)

    def close(self) -> None:
        """Close both files."""
        close_lock_file(self._entry)
        close_lock_file(self._gate)


class NoGate:
    """For stores whose lock files cannot be made or opened: they are read only, and nobody of ours writes them."""

    def enter(self) -> None:
        """Nothing to pass."""

    def leave(self) -> None:
        """Nothing to pass."""

    def close(self) -> None:
        """Nothing is open."""


def _try_until(descriptor: int, end: float) -> bool:
    while True:
        try:
            flock(descriptor, TRY_EXCLUSIVE)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.000_5)
        else:
            return True
