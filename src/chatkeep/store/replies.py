"""A reply that is being streamed: what the one who writes it holds in hand."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from chatkeep.encoding import clean_value, encode_json
from chatkeep.errors import StoreClosedError, StoreError, StreamLostError, UsageError
from chatkeep.model import EPOCH, Message, Part, Usage
from chatkeep.store.admitting import admitted
from chatkeep.store.chunks import Step, merged_steps, parts_of_steps
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.folding import StreamKey, chunk_text, fold_stream
from chatkeep.store.promising import followed_by

EndStatus = Literal["complete", "interrupted", "failed"]

_END_STATUSES = ("complete", "interrupted", "failed")
_END_FIELDS = {"completed_at", "extra", "model", "priced_by", "provider"}
_part = msgspec.json.Decoder(Part)
_log = logging.getLogger(__name__)


class Chunk(msgspec.Struct, frozen=True):
    """Steps on their way into the chunk table."""

    n: int
    text: str
    count: int
    """How many of the pending steps these are."""
    steps: list[Step]


class Reply:
    """A message while it is written. Use it in a ``with`` block, from one thread at a time.

    Leaving the block ends the stream: as ``complete``; as ``interrupted`` if the program, the task or the user was
    stopped; as ``failed`` after any other exception, which goes on. The text is kept in each case.
    """

    message: Message
    """The message as it was begun, without its parts; from its end on, as it is stored."""

    def __init__(
        self,
        engine: Engine,
        key: StreamKey,
        message: Message,
        *,
        mark: Callable[[Reply], None],
        forget: Callable[[Reply], None],
    ) -> None:
        """``mark`` asks for a flush, ``forget`` says that there will be no more."""
        self.message = message
        self.key = key
        self._engine = engine
        self._mark = mark
        self._forget = forget
        self._pid = os.getpid()
        self._pending: list[Step] = []
        self._settled: list[Step] = []
        # Reentrant: a signal handler that closes the store may have interrupted a call of this reply.
        self._moving = threading.RLock()
        self._ending = threading.RLock()
        self._is_marked = False
        self._next_n = 0
        self._failure: StoreError | None = None
        self._refusal: StoreError | UsageError | None = None
        self._is_ended = False
        self._unwritten_end: dict[str, Any] | None = None

    # --- for who writes it -------------------------------------------------------------------------------------------

    def write(self, delta: str) -> None:
        """Add to the reply's text. Never waits: within 250 ms what was written is durable.

        Raises:
            StreamLostError: The conversation was purged, or another process took the stream over.
            StoreUnavailableError: The last flush failed, e.g. on a full disk. ``delta`` is kept, and all that was not
                flushed is tried again five times a second; going on is safe.
        """
        self._add("text", delta)

    def think(self, delta: str) -> None:
        """Add to the model's reasoning; as :meth:`write`."""
        self._add("thinking", delta)

    def add(self, part: Part) -> None:
        """Add a whole part, such as a tool call; as :meth:`write`. Raises UsageError for what cannot be stored."""
        try:
            if not isinstance(part, Part):
                raise TypeError(f"{type(part).__name__} is not a part")
            part = _own_copy(part)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise UsageError(f"cannot store this part: {error}") from error
        self._add("part", part)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that was written so far, flushed or not; also after the stream was lost."""
        with self._moving:
            steps = [*self._settled, *self._pending]
        return parts_of_steps(steps)

    @property
    def is_open(self) -> bool:
        """Whether it has neither ended nor been lost."""
        return not self._is_ended and self._refusal is None

    @property
    def text(self) -> str:
        """The readable text of :attr:`parts`."""
        return msgspec.structs.replace(self.message, parts=self.parts).text

    def finish(
        self,
        *,
        usage: Usage | None = None,
        cost_nanos: int | None = None,
        status: EndStatus = "complete",
        **fields: Any,
    ) -> Message:
        """End the stream; when this returns, the message is durable. Repeating it returns the same message.

        Args:
            usage: Tokens, as far as known; the conversation's totals follow.
            cost_nanos: What it cost.
            status: How it ended.
            fields: ``model``, ``provider``, ``priced_by``, ``completed_at`` or ``extra``.

        Raises:
            StreamLostError: As :meth:`write`.
            StoreUnavailableError: Nothing was written; the reply is still open and this may be tried again.
        """
        end = end_fields(usage, cost_nanos, status, fields)
        self._refuse_inherited()
        with self._ending:
            if self._has_ended_as_asked():
                return self.message
            self._refuse()
            return self._end_with(self._engine.write(self._fold(end)))

    def submit_finish(
        self,
        *,
        usage: Usage | None = None,
        cost_nanos: int | None = None,
        status: EndStatus = "complete",
        **fields: Any,
    ) -> Future[Message]:
        """:meth:`finish` that does not wait."""
        end = end_fields(usage, cost_nanos, status, fields)
        if self._has_ended_as_asked():
            done: Future[Message] = Future()
            done.set_result(self.message)
            return done
        self._refuse()
        return followed_by(self._engine.submit(self._fold(end)), self._end_with, abandoned=lambda _: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_ended_as_asked():
            return
        if error is None:
            self.finish()
        elif self._refusal is None and os.getpid() == self._pid:
            self._end_after(error)

    def _end_after(self, error: BaseException) -> None:
        try:
            self.finish(status=end_status(error))
        except StoreError as failure:
            # The exception that goes on matters more; the flusher tries again.
            _log.warning("the end of a streamed reply could not be written yet: %s", failure.code)
            self.end_later(end_status(error))

    # --- for the flusher ---------------------------------------------------------------------------------------------

    def take(self) -> Chunk | None:
        """What is to be flushed; None for nothing. Steps that come meanwhile are for the next time."""
        self._is_marked = False
        count = len(self._pending)
        if not count or self._is_ended or self._refusal is not None:
            return None
        steps = merged_steps(self._pending[:count])
        return Chunk(self._next_n, chunk_text(steps), count, steps)

    def flushed(self, chunk: Chunk) -> None:
        """A chunk is durable."""
        with self._moving:
            self._settled.extend(chunk.steps)
            del self._pending[: chunk.count]
        self._next_n = chunk.n + 1
        self._failure = None

    def failed(self, failure: StoreError) -> None:
        """The last flush failed."""
        self._failure = failure

    def lose(self) -> StreamLostError:
        """The stream belongs to somebody else; the error that says so."""
        error = StreamLostError(self.message.id, self.text)
        if not self._is_ended:
            self.refuse_with(error)
        return error

    def refuse_with(self, error: StoreError) -> None:
        """Answer every later call with this error."""
        self._refusal = error
        self._forget(self)

    def end_later(self, status: EndStatus) -> None:
        """End the stream without anybody waiting for it, trying again until it works or the store is closed."""
        if self._unwritten_end is None:
            self._unwritten_end = end_fields(None, None, status, {})
        self._mark(self)

    def end_if_due(self) -> None:
        """Write an end that nobody waits for, if there is one. Raises StoreError."""
        end = self._unwritten_end
        if end is not None:
            with self._ending:
                if not self._is_ended and self._refusal is None:
                    self._end_with(self._engine.write(self._fold(end)))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _add(self, kind: str, value: Any) -> None:
        self._refuse()
        if kind != "part" and not isinstance(value, str):
            raise UsageError(f"a delta is text, not {type(value).__name__}")
        self._pending.append((kind, value))
        if not self._is_marked:
            self._is_marked = True
            self._mark(self)
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    def _refuse(self) -> None:
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)
        if self._is_ended:
            raise UsageError(f"the reply {self.message.id} has ended: nothing more can be written to it")
        self._refuse_inherited()

    def _refuse_inherited(self) -> None:
        if os.getpid() != self._pid:
            raise StoreClosedError("a reply cannot be written over fork: the parent process goes on with it")

    def _has_ended_as_asked(self) -> bool:
        # Closing the store ends replies too, but not as their writers wanted.
        return self._is_ended and self._refusal is None

    def _fold(self, end: dict[str, Any]) -> Callable[[Transaction], Message | None]:
        parts = self.parts

        def work(tx: Transaction) -> Message | None:
            return fold_stream(tx, self.key, end, parts=parts)

        return work

    def _end_with(self, message: Message | None) -> Message:
        if self._is_ended:
            return self.message
        if message is None:
            raise self.lose()
        self._is_ended = True
        self.message = message
        self._forget(self)
        return message


def end_status(error: BaseException) -> EndStatus:
    """How a reply ends that this exception broke off."""
    was_stopped = not isinstance(error, Exception) or isinstance(error, CancelledError)
    return "interrupted" if was_stopped else "failed"


def _own_copy(part: Part) -> Part:
    """A copy, because the caller may go on with the values in it. Raises TypeError or ValueError if it is no JSON."""
    copied: Part
    try:
        copied = _part.decode(encode_json(part))
    except UnicodeEncodeError:
        # Odd text is replaced when it is stored; nothing else may be wrong with it.
        plain = msgspec.to_builtins(part)
        encode_json(clean_value(plain, {}))
        copied = msgspec.convert(plain, Part)
    return copied


def end_fields(
    usage: Usage | None, cost_nanos: int | None, status: EndStatus, fields: dict[str, Any]
) -> dict[str, Any]:
    """The fields that an end sets. Raises UsageError for those that it may not set, and for values of a wrong type."""
    if status not in _END_STATUSES:
        raise UsageError(f"a reply ends as one of {', '.join(_END_STATUSES)}, not as {status!r}")
    if set(fields) - _END_FIELDS:
        raise UsageError(f"the end of a reply sets none of {', '.join(sorted(set(fields) - _END_FIELDS))}")
    end = {"status": status, **fields}
    if usage is not None:
        end["usage"] = usage
    if cost_nanos is not None:
        end["cost_nanos"] = cost_nanos
    check_storable(Message(id="", conversation_id="", role="assistant", created_at=EPOCH, **end))
    return end


def check_storable(message: Message) -> None:
    """Raise UsageError if a message with these fields could not be read back."""
    admitted(message)
