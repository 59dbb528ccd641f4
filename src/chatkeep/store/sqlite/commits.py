"""Waiting until somebody, in this process or another, has committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from chatkeep.errors import StoreClosedError

POLL_S: Final = 0.25
"""How late a commit of another process may be noticed; one of this process is noticed at once."""


class Commits:
    """Wakes those who wait; costs a writer next to nothing while nobody does."""

    def __init__(self, data_version: Callable[[], int]) -> None:
        """Take a function that answers another number after every commit of anybody."""
        self._data_version = data_version
        self._changed = threading.Condition()
        self._waiting = 0
        self._latest = object()
        self._seen = threading.local()
        self._closed = False

    def announce(self) -> None:
        """Something was committed in this process."""
        self._latest = object()
        if self._waiting:
            with self._changed:
                self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Whether anything was committed since this thread last got True here; waits for it if need be.

        Returns:
            False after the timeout, and when the store is closed meanwhile.
        """
        end = time.monotonic() + timeout_s
        while not self._closed:
            latest = self._latest
            try:
                version = self._data_version()
            except StoreClosedError:
                return False
            if version != getattr(self._seen, "version", None):
                self._seen.version = version
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._waiting += 1
                try:
                    if self._latest is latest and not self._closed:
                        self._changed.wait(min(left, POLL_S))
                finally:
                    self._waiting -= 1
        return False

    def close(self) -> None:
        """Let everybody go who waits."""
        self._closed = True
        with self._changed:
            self._changed.notify_all()
