"""Exporting: conversations out again, in any format that has a writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from chatkeep.formats.protocol import ExportRecord, Written
from chatkeep.formats.registry import writer
from chatkeep.model import Message
from chatkeep.store import Filter, Store


def export(store: Store, conversation_ids: Iterable[str] | None, *, to: str, destination: Path) -> Written:
    """Write conversations to a file or folder; memory is bounded by one page of messages.

    Args:
        store: Where from.
        conversation_ids: Full ids, written in this order; None means all outside the trash, newest first.
        to: Name of a format that can be written.
        destination: What to make; never overwritten.

    Raises:
        UnknownFormatError, NotWritableFormatError, DestinationExistsError: Nothing was written.
        ConversationNotFoundError: One of them is not there; nothing was written.
    """
    chosen = writer(to)
    ids = all_ids(store) if conversation_ids is None else iter(conversation_ids)
    return chosen.write((_record(store, id) for id in ids), destination)


def all_ids(store: Store) -> Iterator[str]:
    """Every conversation outside the trash, newest first."""
    cursor: str | None = None
    while True:
        page = store.conversations.list(Filter(), limit=1000, cursor=cursor)
        yield from (item.id for item in page.items)
        if page.next is None:
            return
        cursor = page.next


def _record(store: Store, id: str) -> ExportRecord:
    conversation, project, attachments = store.header(id)
    return ExportRecord(
        conversation=conversation,
        project=project,
        messages=all_messages(store, id),
        attachments=tuple(attachments),
        open_blob=store.blobs.open,
    )


def all_messages(store: Store, conversation_id: str) -> Iterator[Message]:
    """All messages of a conversation in ``seq`` order, page by page."""
    cursor: str | None = None
    while True:
        page = store.messages.list(conversation_id, limit=1000, cursor=cursor)
        yield from page.items
        if page.next is None:
            return
        cursor = page.next
