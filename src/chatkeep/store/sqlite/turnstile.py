"""Turns between processes: whoever waits at the entry is next, so that a fast writer cannot overtake the others.

SQLite's own busy handler polls, and of several writers one wins for seconds while the others starve. Here the kernel
queues them: a writer takes the entry, then the turn, then lets the next one into the entry.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from chatkeep.errors import StoreBusyError, StoreIOError
from chatkeep.store.sqlite.lock_holders import describe_holder
from chatkeep.store.sqlite.locks import EXCLUSIVE, TRY_EXCLUSIVE, UNLOCK, close_lock_file, flock, open_lock_file


class Turnstile:
    """Two locks taken in order. Not thread-safe: its process lets one thread at a time use it."""

    def __init__(self, directory: Path) -> None:
        self._turn_path = directory / "turn-b"
        self._entry = open_lock_file(directory / "turn-a")
        try:
            self._turn = open_lock_file(self._turn_path)
        except OSError:
            close_lock_file(self._entry)
            raise
        self._settled = threading.Lock()
        self._is_queueing = False
        self._is_closed = False

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
        """Wait for the turn. After any exception, such as StoreBusyError, nothing but :meth:`close` may follow."""
        if self.try_enter():
            return
        left = threading.Event()
        failures: list[StoreIOError] = []

        def wait() -> None:
            try:
                self.enter()
            except StoreIOError as error:
                failures.append(error)
            with self._settled:
                self._is_queueing = False
                left.set()
                if self._is_closed:
                    self._close_files()

        # The kernel's queue is fair but knows no timeout, so a thread stands in it.
        self._is_queueing = True
        try:
            threading.Thread(target=wait, name="chatkeep-turn", daemon=True).start()
        except RuntimeError:  # there may be no more threads, or the interpreter is ending
            self._is_queueing = False
            self._poll(timeout_s)
            return
        if not left.wait(timeout_s):
            raise self._busy(timeout_s)
        if failures:
            raise failures[0]

    def _poll(self, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while not self.try_enter():
            if time.monotonic() >= end:
                raise self._busy(timeout_s)
            time.sleep(0.001)

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
        """Close both files, which lets go of them; a thread that still waits for the turn does it when it has it."""
        with self._settled:
            was_closed, self._is_closed = self._is_closed, True
            if not was_closed and not self._is_queueing:
                self._close_files()

    def _close_files(self) -> None:
        close_lock_file(self._entry)
        close_lock_file(self._turn)

    def _busy(self, waited_s: float) -> StoreBusyError:
        holder = self.holder() or "another program"
        return StoreBusyError(
            f"{self._turn_path.parent.parent}: {holder} kept the write lock for over {waited_s:g} s:"
            " wait for that program or end it, then try again"
        )

    def _broken(self, error: OSError) -> StoreIOError:
        return StoreIOError(f"{self._turn_path.parent}: the lock files cannot be used: {error}")
