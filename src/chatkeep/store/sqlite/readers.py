"""Reading connections, one per thread that reads at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

import apsw

from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.failures import store_error
from chatkeep.store.sqlite.gate import GatePass
from chatkeep.store.sqlite.transaction import SqliteTransaction
from pathlib import Path

T = TypeVar("T")

MOST_READERS: Final = 16


class Reader:
    """One connection and its own pass through the gate."""

    def __init__(self, connection: apsw.Connection, gate: GatePass, database: Path) -> None:
        self.connection = connection
        self._execute = connection.execute
        self._gate = gate
        self._database = database

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` on one consistent state."""
        gate = self._gate
        execute = self._execute
        gate.enter()
        try:
            try:
                execute("BEGIN")
                transaction = SqliteTransaction(self.connection, self._database)
                try:
                    return work(transaction)
                finally:
                    transaction.end()
                    execute("COMMIT")
            except apsw.Error as error:
                raise store_error(error, self._database) from error
        finally:
            gate.leave()

    def close(self) -> None:
        """Close the connection and the pass."""
        self.connection.close()
        self._gate.close()


class Readers:
    """A pool that grows with demand; whoever finds it exhausted waits."""

    def __init__(self, make: Callable[[], Reader]) -> None:
        self._make = make
        self._idle: list[Reader] = []
        self._count = 0
        self._waiting = 0
        self._returned = threading.Condition()

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

    def _another(self) -> Reader:
        with self._returned:
            self._waiting += 1
            try:
                while True:
                    if self._idle:
                        return self._idle.pop()
                    if self._count < MOST_READERS:
                        self._count += 1
                        break
                    self._returned.wait()
            finally:
                self._waiting -= 1
        try:
            return self._make()
        except BaseException:
            with self._returned:
                self._count -= 1
                self._returned.notify()
            raise

    def close(self) -> None:
        """Close every idle reader."""
        while self._idle:
            self._idle.pop().close()
