"""Reading connections, one for each thread that reads at the time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import apsw

from chatkeep.errors import StoreError, StoreNewerError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.connections import disconnect
from chatkeep.store.sqlite.failures import store_error
from chatkeep.store.sqlite.gate import GatePass, NoGate
from chatkeep.store.sqlite.transaction import SqliteTransaction

T = TypeVar("T")

MOST_READERS: Final = 16

_LONGEST_READ_S: Final = 1.0


class Reader:
    """One connection and its own pass through the gate."""

    def __init__(
        self, connection: apsw.Connection, gate: GatePass | NoGate, *, database: Path, known_schema: int
    ) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._gate = gate
        self._database = database
        self._known_schema = known_schema

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` on one consistent state."""
        gate = self._gate
        try:
            gate.enter()
            return self._run_inside(work)
        except StoreError as error:
            if type(error) is StoreError:  # a statement that does not fit
                self._explain(error)
            raise
        finally:
            gate.leave()

    def _run_inside(self, work: Callable[[Transaction], T]) -> T:
        execute = self._execute
        transaction = SqliteTransaction(self._connection, self._database)
        try:
            try:
                if self._connection.in_transaction:  # an interrupted read left it
                    execute("ROLLBACK")
                execute("BEGIN")
                return work(transaction)
            finally:
                transaction.end()
                if self._connection.in_transaction:  # a failing disk may have ended it
                    execute("COMMIT")
        except apsw.Error as error:
            raise store_error(error, self._database) from error

    def data_version(self) -> int:
        """Another number after every commit of any other connection."""
        self._gate.enter()
        try:
            return int(self._execute("PRAGMA data_version").get)
        except apsw.Error as error:
            raise store_error(error, self._database) from error
        finally:
            self._gate.leave()

    def schema_version(self) -> int:
        """The schema version of the database now."""
        return int(self._execute("PRAGMA user_version").get)

    def close(self) -> None:
        """Close the connection and the pass."""
        disconnect(self._connection)
        self._gate.close()

    def _explain(self, failure: StoreError) -> None:
        """A statement that no longer fits is the fault of a schema that changed under us; say that instead."""
        try:
            found = self.schema_version()
        except apsw.Error:
            return
        if found > self._known_schema:
            raise StoreNewerError(found, self._known_schema) from failure


class Readers:
    """A pool that grows with demand; whoever finds all of them in use waits."""

    def __init__(self, make: Callable[[], Reader]) -> None:
        self._make = make
        self._idle: list[Reader] = []
        self._count = 0
        self._waiting = 0
        self._returned = threading.Condition()
        self._closed = False

    def run(self, work: Callable[[Transaction], T]) -> T:
        """See :meth:`chatkeep.store.engine.Engine.read`."""
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = self._another()
        try:
            return reader.run(work)
        finally:
            self._idle.append(reader)
            if self._waiting:
                with self._returned:
                    self._returned.notify()
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close every reader that is idle, and those in use when they return."""
        self._closed = True
        while self._idle:
            try:
                reader = self._idle.pop()
            except IndexError:
                return
            reader.close()

    def _another(self) -> Reader:
        with self._returned:
            self._waiting += 1
            try:
                while not self._idle:
                    # A read ends within a second; one that an interruption lost never comes back.
                    if self._count < MOST_READERS or not self._returned.wait(_LONGEST_READ_S):
                        self._count += 1
                        break
                else:
                    return self._idle.pop()
            finally:
                self._waiting -= 1
        try:
            return self._make()
        except BaseException:
            with self._returned:
                self._count -= 1
                self._returned.notify()
            raise
