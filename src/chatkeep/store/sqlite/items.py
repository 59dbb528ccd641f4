"""What waits in the writer's queue."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from chatkeep.store.engine import Transaction

GROUP_S: Final = 0.005
"""How long a group takes others along, unless one of its items asks for more."""


class Item:
    """One write, or one chore that runs between transactions: what to do, and what came of it.

    Attributes:
        alone: It was part of a group that failed as a whole, and is tried again by itself.
        since: When it was queued, on the monotonic clock.
    """

    __slots__ = ("alone", "begun", "chore", "done", "error", "future", "group_s", "since", "value", "work")

    def __init__(
        self,
        work: Callable[[Transaction], Any] | None = None,
        *,
        chore: Callable[[], Any] | None = None,
        group_s: float = GROUP_S,
    ) -> None:
        self.work = work
        self.chore = chore
        self.group_s = group_s
        self.value: Any = None
        self.error: BaseException | None = None
        self.future: Future[Any] | None = None
        self.done: threading.Lock | None = None
        self.alone = False
        self.begun = False
        self.since = 0.0

    @property
    def is_queued(self) -> bool:
        """Whether somebody waits for it; the work of a leading thread is not waited for, but run by it."""
        return self.done is not None or self.future is not None

    def begin(self) -> bool:
        """Whether it is still wanted; from now on it can no longer be cancelled."""
        if self.future is None or self.begun:
            return True
        self.begun = self.future.set_running_or_notify_cancel()
        return self.begun

    def acknowledge(self) -> None:
        """Tell whoever waits that the outcome is there. Repeating it is harmless."""
        if self.done is not None:
            with contextlib.suppress(RuntimeError):
                self.done.release()
        elif self.future is not None and not self.future.done():
            if self.error is None:
                self.future.set_result(self.value)
            else:
                self.future.set_exception(self.error)

    def outcome(self) -> Any:
        """The value, or the error raised."""
        if self.error is not None:
            try:
                raise self.error
            finally:
                # The traceback holds this frame, the frame holds the error: a cycle that would keep `work` alive.
                self.error = None
        return self.value
