"""Exporting: conversations out again, in any format that has a writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from chatkeep.errors import ConversationNotFoundError
from chatkeep.formats.protocol import ExportRecord, Written
from chatkeep.formats.registry import writer
from chatkeep.model import ConversationSummary, Message
from chatkeep.store import Filter, Store

_TOGETHER = 100_000
"""So many conversations that began at the same moment are held to put them in order."""


def export(store: Store, conversation_ids: Iterable[str] | None, *, to: str, destination: Path) -> Written:
    """Write conversations to a file or folder; memory is bounded by one page of messages.

    Args:
        store: Where from.
        conversation_ids: Full ids, written in this order; None means all outside the trash, the latest begun first.
            Of those, one that is purged meanwhile is left out.
        to: Name of a format that can be written.
        destination: What to make; never overwritten.

    Raises:
        UnknownFormatError, NotWritableFormatError, DestinationExistsError: Nothing was written.
        ConversationNotFoundError: One of them is not there; nothing was written.
    """
    chosen = writer(to)
    if conversation_ids is None:
        return chosen.write(_all_records(store), destination)
    return chosen.write((_record(store, id) for id in conversation_ids), destination)


def _all_records(store: Store) -> Iterator[ExportRecord]:
    for id in all_ids(store):
        try:
            record = _record(store, id)
        except ConversationNotFoundError:
            continue
        yield record


def all_ids(store: Store) -> Iterator[str]:
    """Every conversation outside the trash, the latest begun first; those that began together, by id.

    So equal stores are exported alike, in whichever order they were filled; of a million that began at one moment,
    each hundred thousand is in order.
    """
    together: list[str] = []
    began: int | None = None
    for item in _latest_first(store):
        if item.created_us != began or len(together) >= _TOGETHER:
            yield from sorted(together)
            together, began = [], item.created_us
        together.append(item.id)
    yield from sorted(together)


def _latest_first(store: Store) -> Iterator[ConversationSummary]:
    cursor: str | None = None
    while True:
        # By their beginning: what somebody writes to meanwhile would move out of reach in the order of changes.
        page = store.conversations.list(Filter(order="created"), limit=1000, cursor=cursor)
        yield from page.items
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
