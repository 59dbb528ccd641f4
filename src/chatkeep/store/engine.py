"""What the store asks of a database engine.

Everything above this file is written once for all engines, in the SQL that they share: ``:name`` parameters,
``ON CONFLICT``, ``RETURNING``. Driver errors never leave an engine; it raises the classes of :mod:`chatkeep.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Params = Mapping[str, Any]
"""Values of ``:name`` parameters: None, bool, int, float, str or bytes."""

Row = tuple[Any, ...]


class Transaction(Protocol):
    """One transaction, valid only inside the call that it was handed to. No cursor leaves it: results are lists.

    Every method raises UsageError for a value that no column can hold: a lone surrogate, over 64 bits, another type.
    """

    def rows(self, sql: str, params: Params | None = None) -> list[Row]:
        """Run one statement, return all its rows (for a write: those of ``RETURNING``)."""
        ...

    def row(self, sql: str, params: Params | None = None) -> Row | None:
        """Run one statement, return its first row, or None if it has none."""
        ...

    def run(self, sql: str, params: Params | None = None) -> int:
        """Run one statement that returns nothing; how many rows it inserted, changed or deleted."""
        ...

    def many(self, sql: str, params: Iterable[Params]) -> None:
        """Run one statement once per parameter set."""
        ...

    def nested(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a savepoint: if it raises, its effects alone are undone, and the error goes on."""
        ...


class Engine(Protocol):
    """A database that takes turns between threads and processes, and acknowledges only what is durable."""

    name: str
    """``sqlite`` or ``postgres``."""

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a write and return at once.

        ``work`` runs in a transaction that it may share with others queued at the same time, each in a savepoint of
        its own: what it raises undoes its own effects alone and is the future's error. The future is done only when
        the transaction is durable. ``work`` may run again after a failed commit, so it must touch nothing but its
        transaction, and must not call the engine.
        """
        ...

    def write(self, work: Callable[[Transaction], T], *, timeout_s: float = 30.0) -> T:
        """``submit(work).result()``, faster when nobody else writes: it then runs in the calling thread.

        Raises:
            StoreBusyError: Not begun within ``timeout_s``; the work was withdrawn. Names the holder if known.
            StoreFullError, StoreReadOnlyError, StoreCorruptError, StoreNewerError, StoreIOError: Nothing was written.
        """
        ...

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` on one consistent state of the database; it must only read, and within a second.

        Everything acknowledged before the call is visible to it.
        """
        ...

    def wait_for_commit(self, timeout_s: float) -> bool:
        """Wait until this or another process has committed since this thread last asked; False if none did in time.

        It may wake for nothing, and learns of other processes within 250 ms.
        """
        ...

    def purge_space(self) -> None:
        """Leave no byte of deleted rows in any file. Raises StoreBusyError naming who keeps old pages alive."""
        ...

    def integrity(self, *, full: bool) -> list[str]:
        """What is damaged in the database's files or broken between its tables; empty if it is sound."""
        ...

    def sizes(self) -> dict[str, int]:
        """Bytes on disk by file name."""
        ...

    def refuse_inside_write(self) -> None:
        """Raise UsageError in the midst of a write of this thread, e.g. in a signal handler: closing would hang."""
        ...

    def close(self) -> None:
        """Finish queued writes and release everything; repeating it is harmless. Refused inside a write."""
        ...
