"""Keeping the change log from growing for ever: it is kept for 30 days at least."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from chatkeep.model import to_us
from chatkeep.store.engine import Engine, Transaction

KEPT: Final = timedelta(days=30)
# Begun only when twice that lies there, in steps that hold the write lock for some milliseconds.
_BEGUN: Final = timedelta(days=60)
_STEP: Final = 5_000


def prune_changes(engine: Engine, now: datetime) -> int:
    """Delete up to 5,000 changes that are older than 30 days, if there are any older than 60; how many.

    The newest change always stays: consumers that have seen everything find their place again.
    """
    oldest = engine.read(lambda tx: tx.row("SELECT at FROM change ORDER BY seq LIMIT 1"))
    if oldest is None or oldest[0] >= to_us(now - _BEGUN):
        return 0

    def work(tx: Transaction) -> int:
        return tx.run(
            "DELETE FROM change WHERE seq IN (SELECT seq FROM change ORDER BY seq LIMIT :step)"
            " AND at < :at AND seq < (SELECT max(seq) FROM change)",
            {"step": _STEP, "at": to_us(now - KEPT)},
        )

    return engine.write(work)
