"""The flusher: one thread writes what all open replies of this process have gathered, in one transaction."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from chatkeep.errors import StoreClosedError, StoreError, StreamLostError
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.folding import add_chunk
from chatkeep.store.presence import Presence
from chatkeep.store.recovering import end_streams_of, recover
from chatkeep.store.replies import Chunk, Reply

_log = logging.getLogger(__name__)

FLUSH_INTERVAL_S: Final = 0.2
"""With the time of a commit this stays below the 250 ms that a killed process may lose."""

_LINGER_S: Final = 5.0
_RECOVER_EVERY_S: Final = 30.0


class Flusher:
    """What the streams of all owners share in one process and store. Close it before its engine.

    The thread begins with the first delta, rests while there is nothing to write, and ends when no reply is open.
    """

    def __init__(self, engine: Engine, presence: Presence, *, interval_s: float = FLUSH_INTERVAL_S) -> None:
        self.engine = engine
        self.presence = presence
        self._interval_s = interval_s
        self._changed = threading.Condition()
        self._open: set[Reply] = set()
        self._marked: set[Reply] = set()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._recovered_at = time.monotonic()

    def recover(self) -> int:
        """See :func:`chatkeep.store.recovering.recover`; to be called once when the store is opened for writing."""
        self._recovered_at = time.monotonic()
        return recover(self.engine, self.presence)

    def opened(self, reply: Reply) -> None:
        """A reply was begun. Never waits: the thread that writes the store may call this."""
        with self._changed:
            self._open.add(reply)
            is_late = self._stopping.is_set()
        if is_late:
            reply.refuse_with(_closed_early())

    def mark(self, reply: Reply) -> None:
        """This reply has something to write: it is written within the interval."""
        with self._changed:
            if self._stopping.is_set():
                return
            self._open.add(reply)
            self._marked.add(reply)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="chatkeep-flusher", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, reply: Reply) -> None:
        """This reply has ended."""
        with self._changed:
            self._open.discard(reply)
            self._marked.discard(reply)

    def flush(self) -> None:
        """Write what is pending now. Failures go to the replies, which keep their text and are marked again."""
        with self._changed:
            replies, self._marked = self._marked, set()
        chunks = [(reply, chunk) for reply in replies if (chunk := _taken(reply)) is not None]
        if chunks:
            self._write(chunks)
        for reply in replies:
            try:
                reply.end_if_due()
            except StreamLostError:
                pass  # nobody waits for it
            except StoreError as error:
                self._set_back(reply, error)

    def close(self) -> None:
        """End every open reply as ``interrupted`` and stop; their later calls get StoreClosedError. Repeatable.

        Raises:
            StoreError: The ends could not be written. What was flushed is ended by whoever opens the store next.
        """
        with self._changed:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._changed.notify_all()
            thread, replies = self._thread, list(self._open)
        if thread is not None:
            thread.join()
        errors = [error for reply in replies if (error := _end_early(reply)) is not None]
        try:
            if errors:
                raise errors[0]
            # Also those whose beginning was committed but never answered.
            for writer_id in {reply.key.writer_id for reply in replies}:
                end_streams_of(self.engine, writer_id)
        finally:
            self.presence.close()

    def _run(self) -> None:
        while self._has_work():
            if self._stopping.wait(self._interval_s):
                return
            try:
                self.flush()
                if time.monotonic() - self._recovered_at > _RECOVER_EVERY_S:
                    self.recover()
            except Exception as error:  # noqa: BLE001 - the outermost frame of a worker: the replies go on
                _log.error("the flusher failed: %s", getattr(error, "code", type(error).__name__))

    def _has_work(self) -> bool:
        with self._changed:
            while not self._marked:
                if self._stopping.is_set():
                    return False
                if not self._changed.wait(_LINGER_S) and not self._open:
                    self._thread = None
                    return False
            return True

    def _write(self, chunks: list[tuple[Reply, Chunk]]) -> None:
        def work(tx: Transaction) -> list[bool]:
            return [add_chunk(tx, reply.key, chunk.n, chunk.text) for reply, chunk in chunks]

        try:
            kept = self.engine.write(work)
        except StoreError as error:
            for reply, _ in chunks:
                self._set_back(reply, error)
            return
        for (reply, chunk), is_ours in zip(chunks, kept, strict=True):
            if is_ours:
                reply.flushed(chunk)
            else:
                reply.lose()

    def _set_back(self, reply: Reply, error: StoreError) -> None:
        reply.failed(error)
        if not isinstance(error, StoreClosedError):
            self.mark(reply)


def _taken(reply: Reply) -> Chunk | None:
    try:
        return reply.take()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one reply, the others go on
        _log.error("a streamed reply could not be flushed: %s", type(error).__name__)
        return None


def _end_early(reply: Reply) -> StoreError | None:
    reply.end_later("interrupted")
    try:
        reply.end_if_due()
    except StreamLostError:
        return None
    except StoreError as error:
        return error
    finally:
        reply.refuse_with(_closed_early())
    return None


def _closed_early() -> StoreClosedError:
    return StoreClosedError("the store was closed before this reply had ended; what was written to it is kept")
