"""The SQLite side of :class:`chatkeep.store.engine.Transaction`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import apsw

from chatkeep.errors import StoreClosedError, StoreError, UsageError
from chatkeep.store.engine import Params, Row, Transaction
from chatkeep.store.sqlite.failures import store_error

T = TypeVar("T")

# What the driver says, before it asks SQLite, of values that no column can hold.
_UNBINDABLE: Final = (UnicodeEncodeError, OverflowError, TypeError)


class SqliteTransaction:
    """Statements of one call. Each gets a cursor that dies at once, so none keeps a read open after the call."""

    __slots__ = ("_connection", "_database", "_execute")

    def __init__(self, connection: apsw.Connection, database: Path) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._database = database

    def rows(self, sql: str, params: Params | None = None) -> list[Row]:
        """See :class:`chatkeep.store.engine.Transaction`."""
        try:
            return self._execute(sql, params).fetchall()
        except apsw.Error as error:
            raise self._failed(error) from error
        except _UNBINDABLE as error:
            raise _unusable(error) from error

    def row(self, sql: str, params: Params | None = None) -> Row | None:
        """See :class:`chatkeep.store.engine.Transaction`."""
        try:
            return self._execute(sql, params).fetchone()
        except apsw.Error as error:
            raise self._failed(error) from error
        except _UNBINDABLE as error:
            raise _unusable(error) from error

    def run(self, sql: str, params: Params | None = None) -> int:
        """See :class:`chatkeep.store.engine.Transaction`."""
        connection = self._connection
        before = connection.total_changes()
        try:
            self._execute(sql, params)
        except apsw.Error as error:
            raise self._failed(error) from error
        except _UNBINDABLE as error:
            raise _unusable(error) from error
        # `changes` speaks of the last statement that changed something, which need not be this one.
        return connection.changes() if connection.total_changes() != before else 0

    def many(self, sql: str, params: Iterable[Params]) -> None:
        """See :class:`chatkeep.store.engine.Transaction`."""
        try:
            self._connection.executemany(sql, params)
        except apsw.Error as error:
            raise self._failed(error) from error
        except _UNBINDABLE as error:
            raise _unusable(error) from error

    def nested(self, work: Callable[[Transaction], T]) -> T:
        """See :class:`chatkeep.store.engine.Transaction`."""
        self.run("SAVEPOINT nested")
        try:
            value = work(self)
        except BaseException:
            # After a full disk SQLite may have rolled everything back already; then there is no savepoint to return to.
            if self._connection.in_transaction:
                self.run("ROLLBACK TO nested")
                self.run("RELEASE nested")
            raise
        self.run("RELEASE nested")
        return value

    def end(self) -> None:
        """Refuse every later use: the call that this transaction belonged to is over."""
        self._connection = _ENDED
        self._execute = _ENDED.execute

    def _failed(self, error: apsw.Error) -> StoreError:
        meant = store_error(error, self._database)
        if not self._connection.in_transaction:
            # SQLite undid everything. Whoever catches this and goes on would write outside any transaction.
            self.end()
        return meant


def _unusable(error: Exception) -> UsageError:
    if isinstance(error, UnicodeEncodeError):
        return UsageError("half a character (a lone surrogate) is in a text that must be stored or compared as it is")
    if isinstance(error, OverflowError):
        return UsageError("a number does not fit into 64 bits")
    return UsageError(f"a value of this type cannot be stored: {error}")


def _refuse(*_arguments: object) -> NoReturn:
    raise StoreClosedError(
        "a transaction was used after its end: its call had returned, or a failure of the disk had undone it whole"
    )


class _Ended:
    """Stands in for the connection of a transaction that is over."""

    execute = staticmethod(_refuse)
    executemany = staticmethod(_refuse)
    total_changes = staticmethod(_refuse)
    changes = staticmethod(_refuse)
    in_transaction = False


_ENDED: apsw.Connection = _Ended()  # type: ignore[assignment]  # nothing but what is named there is ever reached
