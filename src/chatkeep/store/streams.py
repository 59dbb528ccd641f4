"""Beginning streamed replies."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec

from chatkeep.errors import UsageError
from chatkeep.model import Message, Role
from chatkeep.store.appending import new_message
from chatkeep.store.engine import Transaction
from chatkeep.store.flushing import Flusher
from chatkeep.store.folding import StreamKey, begin_stream
from chatkeep.store.promising import followed_by
from chatkeep.store.replies import Reply, check_storable

_Begun = tuple[StreamKey, Message]


class Streams:
    """The streamed replies of one owner."""

    def __init__(self, flusher: Flusher, owner: str) -> None:
        self._flusher = flusher
        self._owner = owner

    def open_stream(
        self,
        conversation_id: str,
        role: Role = "assistant",
        *,
        model: str | None = None,
        parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Reply:
        """Begin a message that is written piece by piece; it is the head at once, and durable, with no text yet.

        Args:
            conversation_id: A full id.
            role: Who speaks.
            model: Which model; may also be given at the end.
            parent_id: As for :meth:`Messages.append <chatkeep.store.messages.Messages.append>`.
            idempotency_key: Names this reply within the conversation, so that a repeated job does not write it twice.
            fields: Further fields of :class:`~chatkeep.model.Message`, but those that only its end can tell.

        Raises:
            ConversationNotFoundError, TrashedError, MessageNotFoundError: Nothing was written.
            ReplyExistsError: A reply with this idempotency key was begun before; it says which, and where it stands.
        """
        work = self._begin_work(conversation_id, role, model, parent_id, idempotency_key, fields)
        return self._begun(self._flusher.engine.write(work))

    def submit_stream(
        self,
        conversation_id: str,
        role: Role = "assistant",
        *,
        model: str | None = None,
        parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Future[Reply]:
        """:meth:`open_stream` that does not wait. A reply that is begun after its future was cancelled ends at once."""
        work = self._begin_work(conversation_id, role, model, parent_id, idempotency_key, fields)
        return followed_by(
            self._flusher.engine.submit(work), self._begun, abandoned=lambda reply: reply.end_later("interrupted")
        )

    def recover(self) -> int:
        """End the streams, of all owners, whose writer is gone, as ``interrupted``; how many that were."""
        return self._flusher.recover()

    def _begin_work(
        self,
        conversation_id: str,
        role: Role,
        model: str | None,
        parent_id: str | msgspec.UnsetType | None,
        idempotency_key: str | None,
        fields: dict[str, Any],
    ) -> Callable[[Transaction], _Begun]:
        premature = set(fields) & {"status", "parts", "completed_at"}
        if premature:
            raise UsageError(f"a reply begins without {', '.join(sorted(premature))}")
        draft = new_message(conversation_id, role, (), {**fields, "model": model, "status": "streaming"})
        check_storable(draft)
        writer_id = self._flusher.presence.writer_id()

        def work(tx: Transaction) -> _Begun:
            return begin_stream(tx, self._owner, writer_id, draft, parent_id=parent_id, idempotency_key=idempotency_key)

        return work

    def _begun(self, begun: _Begun) -> Reply:
        key, message = begun
        flusher = self._flusher
        reply = Reply(flusher.engine, key, message, mark=flusher.mark, forget=flusher.forget)
        flusher.opened(reply)
        return reply
