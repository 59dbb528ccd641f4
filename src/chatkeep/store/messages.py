"""Messages: appending them, reading them, and the thread that is shown."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple

import msgspec

from chatkeep.errors import UsageError
from chatkeep.model import Attachment, Message, Page, Role
from chatkeep.store.appending import (
    Content,
    append_message,
    earlier_message,
    new_message,
    parts_of,
    update_message,
)
from chatkeep.store.attachments import Attachments
from chatkeep.store.branches import is_shown, newest_leaf
from chatkeep.store.conversations import show
from chatkeep.store.cursors import cursor_position, cursor_text, page_size
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.large_parts import with_small_parts
from chatkeep.store.lookup import conversation_pk, message_row
from chatkeep.store.rows import decode_message, decode_messages, names_of
from chatkeep.store.threads import walk


class _Draft(NamedTuple):
    """A message on its way into the store, and the files that were made of parts too large for it."""

    message: Message
    files: tuple[Attachment, ...]


class Messages:
    """The messages of one owner."""

    def __init__(self, engine: Engine, owner: str, attachments: Attachments) -> None:
        self._engine = engine
        self._owner = owner
        self._attachments = attachments

    def append(
        self,
        conversation_id: str,
        role: Role,
        content: Content = (),
        *,
        parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Message:
        """Add a message and make it the head; when this returns, it is durable.

        Args:
            conversation_id: A full id.
            role: Who speaks.
            content: Text, a part, or parts; text of over 8 million characters becomes an attachment.
            parent_id: The message that it follows; the head unless given. Another message starts a branch there,
                None a new root.
            idempotency_key: Repeating a call with the same key in one conversation returns the first one's message.
            fields: Further fields of :class:`~chatkeep.model.Message` (``model``, ``usage``, ``created_at``, ...).

        Raises:
            ConversationNotFoundError, TrashedError: Nothing was written.
            MessageNotFoundError: ``parent_id`` is not in this conversation.
            DuplicateError: The idempotency key was used for other content.
            UsageError: An unknown role or field, or a value that could not be read back.
        """
        return self._engine.write(self._append_work(conversation_id, role, content, parent_id, idempotency_key, fields))

    def submit(
        self,
        conversation_id: str,
        role: Role,
        content: Content = (),
        *,
        parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Future[Message]:
        """:meth:`append` that does not wait: the future is done when the message is durable.

        Its callbacks run on the thread that wrote it, so they must be short: neither wait nor write.
        """
        return self._engine.submit(
            self._append_work(conversation_id, role, content, parent_id, idempotency_key, fields)
        )

    def _append_work(
        self,
        conversation_id: str,
        role: Role,
        content: Content,
        parent_id: str | msgspec.UnsetType | None,
        idempotency_key: str | None,
        fields: dict[str, Any],
    ) -> Callable[[Transaction], Message]:
        draft = self._draft(conversation_id, role, content, fields)
        return lambda tx: self._append(tx, draft, parent_id=parent_id, idempotency_key=idempotency_key)

    def _append(
        self,
        tx: Transaction,
        draft: _Draft,
        *,
        parent_id: str | msgspec.UnsetType | None = msgspec.UNSET,
        idempotency_key: str | None = None,
    ) -> Message:
        if idempotency_key is not None:
            earlier = earlier_message(tx, self._owner, draft.message, idempotency_key, draft.files)
            if earlier is not None:
                return earlier
        for file in draft.files:
            self._attachments.insert(tx, file)
        return append_message(tx, self._owner, draft.message, parent_id=parent_id, idempotency_key=idempotency_key)

    def _draft(self, conversation_id: str, role: Role, content: Content, fields: dict[str, Any]) -> _Draft:
        if fields.get("status") == "streaming":
            raise UsageError("a message that is being streamed is begun with stream()")
        files: list[Attachment] = []

        def put(content: bytes, name: str, media_type: str) -> str:
            files.append(self._attachments.prepare(io.BytesIO(content), name=name, media_type=media_type))
            return files[-1].id

        message = new_message(conversation_id, role, with_small_parts(parts_of(content), put), fields)
        return _Draft(message, tuple(files))

    def extend(self, conversation_id: str, messages: Iterable[tuple[Role, Content]]) -> list[Message]:
        """Append several messages, each under the one before, in one transaction."""
        drafts = [self._draft(conversation_id, role, content, {}) for role, content in messages]

        def work(tx: Transaction) -> list[Message]:
            return [self._append(tx, draft) for draft in drafts]

        return self._engine.write(work)

    def get(self, id: str) -> Message:
        """One message; of one that is being streamed, what was flushed so far.

        Raises:
            MessageNotFoundError: No such message.
        """

        def work(tx: Transaction) -> Message:
            _, message = message_row(tx, self._owner, id)
            return message

        return self._engine.read(work)

    def thread(self, conversation_id: str, *, head_id: str | None = None, limit: int | None = None) -> list[Message]:
        """The messages from the root to the head (or to ``head_id``), oldest first; with ``limit``, the last of them.

        Raises:
            ConversationNotFoundError, MessageNotFoundError: As they say.
        """
        found: list[Message] = []
        wanted, below = head_id, None
        limit = None if limit is None else max(0, limit)
        while True:
            # Most conversations have no branches: what is asked for is then in as many rows.
            left = 1000 if limit is None else limit - len(found)
            page_limit = max(1, min(1000, left if below is None else left + 10))
            page, wanted, below = self._engine.read(
                lambda tx, wanted=wanted, below=below, size=page_limit: walk(  # type: ignore[misc]  # bound now
                    tx, self._owner, conversation_id, wanted, below, size
                )
            )
            found.extend(page)
            if limit is not None and len(found) >= limit:
                del found[limit:]
                break
            if wanted is None or below is None:
                break
        found.reverse()
        return found

    def rate(self, id: str, rating: int | None) -> Message:
        """Rate a message (None takes the rating away); imports leave it alone from then on."""
        return self._edit(id, "rating", rating)

    def select(self, id: str) -> Message:
        """Of parallel replies, make this the one that the conversation goes on from: its branch is shown from now on.

        Raises:
            MessageNotFoundError, UsageError: Nothing was written; the latter if it is not one of several.
        """

        def work(tx: Transaction) -> Message:
            _, message = message_row(tx, self._owner, id)
            if message.reply_set is None:
                raise UsageError(f"message {id} is not one of several parallel replies")
            pk = conversation_pk(tx, self._owner, message.conversation_id)
            siblings = tx.rows(
                "SELECT pk, body, overrides FROM message WHERE owner = :owner AND conversation_pk = :pk"
                f" AND parent_id {'= :parent' if message.parent_id else 'IS NULL'} ORDER BY seq",
                {"owner": self._owner, "pk": pk, "parent": message.parent_id},
            )
            for row_pk, body, overrides in siblings:
                sibling = decode_message(body)
                if sibling.reply_set == message.reply_set and sibling.selected != (sibling.id == id):
                    edited = msgspec.structs.replace(sibling, selected=sibling.id == id)
                    update_message(tx, self._owner, row_pk, edited, overrides={*names_of(overrides), "selected"})
            if not is_shown(tx, self._owner, message.conversation_id, id):
                show(
                    tx, self._owner, message.conversation_id, newest_leaf(tx, self._owner, message.conversation_id, id)
                )
            return msgspec.structs.replace(message, selected=True)

        return self._engine.write(work)

    def _edit(self, id: str, field: str, value: Any) -> Message:
        def work(tx: Transaction) -> Message:
            pk, message = message_row(tx, self._owner, id)
            row = tx.row(
                "SELECT overrides FROM message WHERE owner = :owner AND pk = :pk", {"owner": self._owner, "pk": pk}
            )
            edited = msgspec.structs.replace(message, **{field: value})
            update_message(tx, self._owner, pk, edited, overrides={*names_of(row[0] if row else None), field})
            return edited

        return self._engine.write(work)

    def list(self, conversation_id: str, *, limit: int = 1000, cursor: str | None = None) -> Page[Message]:
        """All messages of a conversation, on every branch, in ``seq`` order.

        Raises:
            ConversationNotFoundError, CursorError: As they say.
        """
        after = cursor_position(cursor, "messages", (int,))[0] if cursor else 0
        size = page_size(limit)

        def work(tx: Transaction) -> Page[Message]:
            pk = conversation_pk(tx, self._owner, conversation_id)
            rows = tx.rows(
                "SELECT body FROM message WHERE owner = :owner AND conversation_pk = :pk AND seq > :after"
                " ORDER BY seq LIMIT :size",
                {"owner": self._owner, "pk": pk, "after": after, "size": size},
            )
            items = decode_messages([row[0] for row in rows])
            return Page(items, cursor_text("messages", items[-1].seq) if len(items) == size else None)

        return self._engine.read(work)
