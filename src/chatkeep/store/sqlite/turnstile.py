"""Turns between processes: whoever waits at the entry is next, so that a fast writer cannot overtake the others.

SQLite's own busy handler polls, and of several writers one wins for seconds while the others starve. Here the kernel
queues them: a writer takes the entry, then the turn, then lets the next one into the entry.
"""

from __future__ import annotations

import threading
from pathlib import Path

from chatkeep.errors import StoreBusyError, StoreIOError
from chatkeep.store.sqlite.lock_holders import describe_holder
from chatkeep.store.sqlite.locks import EXCLUSIVE, TRY_EXCLUSIVE, UNLOCK, close_lock_file, flock, open_lock_file


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
            try:
                flock(self._turn, TRY_EXCLUSIVE)
            finally:
                flock(entry, UNLOCK)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._broken(error) from error
        return True

    def enter(self) -> None:
        """Wait for the turn, however long it takes."""
        try:
            flock(self._entry, EXCLUSIVE)
            flock(self._turn, EXCLUSIVE)
            flock(self._entry, UNLOCK)
        except OSError as error:
            raise self._broken(error) from error

    def enter_within(self, timeout_s: float) -> None:
        """Wait for the turn; on :class:`StoreBusyError` this turnstile closes itself as soon as it can."""
        if self.try_enter():
            return
        entered = threading.Event()
        given_up = threading.Event()
        settled = threading.Lock()

        def wait() -> None:
            self.enter()
            with settled:
                entered.set()
                if given_up.is_set():
                    self.close()

        # The kernel's queue is fair but knows no timeout, so a thread stands in it.
        threading.Thread(target=wait, name="chatkeep-turn", daemon=True).start()
        entered.wait(timeout_s)
        with settled:
            if not entered.is_set():
                given_up.set()
                holder = self.holder() or "another program"
                raise StoreBusyError(
                    f"{self._turn_path.parent.parent}: {holder} kept the write lock for over {timeout_s:g} s:"
                    " wait for that program or end it, then try again"
                )

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
        """Close both files, which lets go of them."""
        close_lock_file(self._entry)
        close_lock_file(self._turn)

    def _broken(self, error: OSError) -> StoreIOError:
        return StoreIOError(f"{self._turn_path.parent}: the lock files cannot be used: {error}")
