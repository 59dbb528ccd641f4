"""Keeps the write-ahead log short, after the acknowledgement and beside the writers.

Each 1,000 pages a thread copies the log into the database while writers go on, then asks for a moment between two
transactions to copy the rest, so that the next writer starts the log anew in the file that is there. Readers that are
always inside prevent that; once the file has passed 16 MB they are kept out for a moment and it is cut to nothing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from chatkeep.errors import StoreClosedError, StoreError
from chatkeep.store.sqlite.connections import BUSY_TIMEOUT_MS, disconnect
from chatkeep.store.sqlite.failures import store_error
from chatkeep.store.sqlite.gate import GatePass
from chatkeep.store.sqlite.locks import TRY_EXCLUSIVE, UNLOCK, close_lock_file, flock
from chatkeep.store.sqlite.writer import CHECKPOINT_PAGES, Writer

LONGEST_LOG_BYTES: Final = 16 * 1024 * 1024
GATE_WAIT_S: Final = 0.05
"""How long writers stand still, at most, until the readers have left; then it is tried again later."""

_CHORE_TIMEOUT_S: Final = 30.0
_STRAGGLERS_MS: Final = 20

_log = logging.getLogger(__name__)


class Checkpointer:
    """One thread with a connection of its own, both made when they are first needed."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        writer: Writer,
        *,
        database: Path,
        gate: GatePass,
        one_at_a_time: int,
    ) -> None:
        """Take over a pass through the gate, and a lock file that lets one process at a time do this."""
        self._connect = connect
        self._writer = writer
        self._database = database
        self._wal = database.with_name(database.name + "-wal")
        self._gate = gate
        self._one_at_a_time = one_at_a_time
        self._connection: apsw.Connection | None = None
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closing = False

    def ring(self) -> None:
        """The log has grown; called by writers, one at a time or several."""
        # Not again for every commit until this one is dealt with.
        self._writer.checkpoint_at = self._writer.wal_pages + CHECKPOINT_PAGES
        self._bell.set()
        if self._thread is None and not self._closing:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closing:
                thread = threading.Thread(target=self._serve, name="chatkeep-checkpoint", daemon=True)
                # There may be no more threads, or the interpreter is ending; the writer's work is done all the same.
                with contextlib.suppress(RuntimeError):
                    thread.start()
                    self._thread = thread

    def truncate(self, *, gate_wait_s: float) -> bool:
        """Cut the log to nothing; False if a reader is in the way. Only as a chore of the writer."""
        if not self._gate.shut(timeout_s=gate_wait_s):
            return False
        connection = self._writer.connection
        connection.set_busy_timeout(_STRAGGLERS_MS)
        try:
            connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except (apsw.BusyError, apsw.LockedError):
            return False
        except apsw.Error as error:
            raise store_error(error, self._database) from error
        finally:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            self._gate.reopen()
        return self.log_bytes() == 0

    def log_bytes(self) -> int:
        """The size of the log's file, which may hold less than it is long."""
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0

    def reader(self) -> str | None:
        """Who is inside the gate, in words, if the kernel tells."""
        return self._gate.holder()

    def close(self) -> None:
        """End the thread, close everything."""
        with self._starting:
            self._closing = True
        self._bell.set()
        if self._thread is not None:
            self._thread.join()
        if self._connection is not None:
            disconnect(self._connection)
        self._gate.close()
        close_lock_file(self._one_at_a_time)

    def _serve(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            if self._closing:
                return
            try:
                self._shorten()
            except StoreClosedError:
                continue  # the end is near
            except StoreError as error:
                # Nothing is lost by a log that stays long; whoever writes next learns of a failing disk.
                if not self._closing:
                    _log.warning("the write-ahead log was not copied into the database: %s", error)

    def _shorten(self) -> None:
        # One process at a time; the others would copy the same pages.
        try:
            flock(self._one_at_a_time, TRY_EXCLUSIVE)
        except OSError:
            return
        try:
            if self._connection is None:
                self._connection = self._connect()
            with contextlib.suppress(apsw.BusyError):
                self._connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._writer.exclusive(self._finish, timeout_s=_CHORE_TIMEOUT_S)
        except apsw.Error as error:
            raise store_error(error, self._database) from error
        finally:
            flock(self._one_at_a_time, UNLOCK)

    def _finish(self) -> None:
        """Between two transactions: little is left to copy now."""
        if self.log_bytes() > LONGEST_LOG_BYTES and self.truncate(gate_wait_s=GATE_WAIT_S):
            return
        try:
            self._writer.connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.BusyError:
            return
        except apsw.Error as error:
            raise store_error(error, self._database) from error
