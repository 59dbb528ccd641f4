"""Purging: gone from the database, its log, the index and the attachments, or the call does not return."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from chatkeep.errors import ConversationNotFoundError
from chatkeep.store import Store


class PurgeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a purge removed."""

    conversations: int
    messages: int
    blobs: int


def purge(store: Store, conversation_ids: Iterable[str]) -> PurgeReport:
    """Remove conversations for good, from the trash or not; when this returns, no byte of them is in any file of ours.

    After a crash in between, repeating it (or ``check --repair``) finishes the job, so purging again what was purged is
    no error. Importing their source again leaves them out, unless asked to bring them back.

    Raises:
        ConversationNotFoundError: One of them is not there; nothing was removed.
        StoreBusyError: The rows are gone, but a reader keeps old pages alive: repeat when it has ended.
    """
    ids = list(conversation_ids)
    try:
        rows = store.purge(ids)
        orphans: Iterable[str] = rows.blobs
    except ConversationNotFoundError:
        gone = store.purged_of(ids)
        if not gone:
            raise
        # Somebody who purged these may have been stopped before their bytes were gone, and nobody knows which.
        rows = store.purge(id for id in ids if id not in gone)
        orphans = [blob.sha256 for blob in store.blobs.all()]
    store.index.expunge()
    blobs = store.collect(orphans)
    store.engine.purge_space()
    return PurgeReport(conversations=rows.conversations, messages=rows.messages, blobs=blobs)


def empty_trash(store: Store, *, older_than: datetime | None = None) -> PurgeReport:
    """Purge everything in the trash, or what went there before a moment."""
    conversations = messages = 0
    blobs: set[str] = set()
    while ids := store.trashed_before(older_than):
        try:
            rows = store.purge(ids)
        except ConversationNotFoundError:
            continue  # somebody else empties it, too
        conversations += rows.conversations
        messages += rows.messages
        blobs.update(rows.blobs)
    store.index.expunge()
    removed = store.collect(sorted(blobs))
    store.engine.purge_space()
    return PurgeReport(conversations=conversations, messages=messages, blobs=removed)
