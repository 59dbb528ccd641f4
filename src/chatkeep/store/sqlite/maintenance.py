"""Looking after the files of a store while it is in use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from chatkeep.errors import StoreBusyError, StoreCorruptError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.checkpoints import GATE_WAIT_S, Checkpointer
from chatkeep.store.sqlite.writer import Writer

_MOST_FINDINGS: Final = 100


def sizes(database: Path) -> dict[str, int]:
    """Sizes as the directory has them; opening the files would drop SQLite's locks."""
    return {path.name: _size(path) for path in (database, _beside(database, "-wal"), _beside(database, "-shm"))}


def integrity(read: Callable[[Callable[[Transaction], Any]], Any], *, full: bool) -> list[str]:
    """See :meth:`SqliteEngine.integrity`."""

    def look(transaction: Transaction) -> list[str]:
        check = "integrity_check" if full else "quick_check"
        found = [str(row[0]) for row in transaction.rows(f"PRAGMA {check}({_MOST_FINDINGS})")]
        found = [line for line in found if line != "ok"]
        if full:
            broken = transaction.rows("PRAGMA foreign_key_check")[:_MOST_FINDINGS]
            found += [f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there" for row in broken]
        return found

    try:
        return list(read(look))
    except StoreCorruptError as error:
        return [str(error)]


def purge_space(writer: Writer, checkpointer: Checkpointer, *, timeout_s: float) -> None:
    """See :meth:`SqliteEngine.purge_space`. Freed pages were zeroed as they were freed; the log still has them."""
    end = time.monotonic() + timeout_s
    pause_s = 0.001
    while True:
        left_s = max(end - time.monotonic(), 0.0)
        # Short tries: writers stand still while one of them waits for the readers to leave.
        if writer.exclusive(lambda: checkpointer.truncate(gate_wait_s=GATE_WAIT_S), timeout_s=left_s):
            return
        if time.monotonic() >= end:
            reader = checkpointer.reader() or "another program"
            raise StoreBusyError(
                f"{reader} has been reading an old state of the store for over {timeout_s:g} s, so deleted text is"
                " still in its log: end that program, then purge again"
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.05)


def new_epoch(transaction: Transaction) -> str:
    """See :meth:`SqliteEngine.new_epoch`."""
    epoch = os.urandom(16).hex()
    transaction.run("UPDATE store SET epoch = :epoch", {"epoch": epoch})
    return epoch


def _beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
