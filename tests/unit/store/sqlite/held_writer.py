"""Keeps the writer of an engine busy, so that a test decides what queues behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Event

from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine


@contextlib.contextmanager
def held(engine: SqliteEngine) -> Iterator[None]:
    """Inside, nothing is written; what was queued follows at the end, in a transaction of its own."""
    begun, go_on = Event(), Event()

    def wait(_tx: Transaction) -> None:
        begun.set()
        assert go_on.wait(60)
        raise LookupError("undoes its transaction, so that the next one begins with what is queued")

    future = engine.submit(wait)
    assert begun.wait(60)
    try:
        yield
    finally:
        go_on.set()
        assert isinstance(future.exception(60), LookupError)
