"""Purging: removing conversations for good, down to the bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from chatkeep.model import SourceKey, to_us, utc_now
from chatkeep.store import changes
from chatkeep.store.engine import Transaction
from chatkeep.store.lookup import conversation_pk


class PurgedRows(msgspec.Struct, frozen=True, kw_only=True):
    """What a purge took out of the database; ``blobs`` are the SHA-256 of bytes that no row names any more."""

    conversations: int
    messages: int
    blobs: tuple[str, ...]


def purge_rows(tx: Transaction, owner: str, conversation_ids: Iterable[str]) -> PurgedRows:
    """Delete conversations with all that belongs to them, and leave a keyed hash of each one's source key.

    Raises:
        ConversationNotFoundError: One of them is not there; nothing was deleted.
    """
    count = messages = 0
    orphans: set[str] = set()
    for id in conversation_ids:
        _leave_tombstone(tx, owner, conversation_pk(tx, owner, id))
        deleted = delete_rows(tx, owner, id)
        messages += deleted.messages
        orphans.update(deleted.blobs)
        count += 1
    return PurgedRows(conversations=count, messages=messages, blobs=tuple(sorted(orphans)))


def delete_rows(tx: Transaction, owner: str, id: str) -> PurgedRows:
    """Delete one conversation with all that only it uses, without a trace of its source.

    Raises:
        ConversationNotFoundError: It is not there.
    """
    pk = conversation_pk(tx, owner, id)
    attachments, tags = _linked_attachments(tx, owner, pk), _tags_of(tx, owner, pk)
    messages = _delete_messages(tx, owner, pk)
    tx.run("DELETE FROM conversation WHERE owner = :owner AND pk = :pk", {"owner": owner, "pk": pk})
    changes.record(tx, owner, "conversation", "delete", pk, id)
    orphans = _delete_unlinked(tx, owner, attachments)
    _delete_unused_tags(tx, owner, tags)
    return PurgedRows(conversations=1, messages=messages, blobs=tuple(orphans))


def was_purged(tx: Transaction, owner: str, source: SourceKey) -> bool:
    """Whether a conversation of this source record was purged here."""
    return (
        tx.row(
            "SELECT 1 FROM purged WHERE owner = :owner AND key_hash = :hash",
            {"owner": owner, "hash": _key_hash(tx, source)},
        )
        is not None
    )


def own_key(id: str) -> SourceKey:
    """What stands for the source key of a conversation that was born here."""
    return SourceKey("chatkeep", "", id)


def forget_purge(tx: Transaction, owner: str, source: SourceKey) -> None:
    """Let imports bring a source record back."""
    tx.run(
        "DELETE FROM purged WHERE owner = :owner AND key_hash = :hash",
        {"owner": owner, "hash": _key_hash(tx, source)},
    )


def trashed_before(tx: Transaction, owner: str, moment: datetime | None) -> list[str]:
    """Up to 100 conversations that went to the trash before a moment (None: whenever), oldest first."""
    rows = tx.rows(
        "SELECT id FROM conversation WHERE owner = :owner AND trashed_at IS NOT NULL"
        f"{'' if moment is None else ' AND trashed_at < :at'} ORDER BY trashed_at LIMIT 100",
        {"owner": owner, "at": None if moment is None else to_us(moment)},
    )
    return [row[0] for row in rows]


def _key_hash(tx: Transaction, source: SourceKey) -> bytes:
    """Keyed, so that nobody can try out which source ids were purged without this store."""
    row = tx.row("SELECT purge_key FROM store")
    key = bytes(row[0]) if row else b""
    text = "\0".join((source.format, source.scope, source.source_id))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=16).digest()


def _leave_tombstone(tx: Transaction, owner: str, pk: int) -> None:
    row = tx.row(
        "SELECT id, source_format, source_scope, source_id FROM conversation WHERE owner = :owner AND pk = :pk",
        {"owner": owner, "pk": pk},
    )
    if row is not None:
        source = own_key(row[0]) if row[3] is None else SourceKey(*row[1:])
        tx.run(
            "INSERT INTO purged (owner, key_hash, purged_at) VALUES (:owner, :hash, :at) ON CONFLICT DO NOTHING",
            {"owner": owner, "hash": _key_hash(tx, source), "at": to_us(utc_now())},
        )


def _delete_messages(tx: Transaction, owner: str, pk: int) -> int:
    key = {"owner": owner, "pk": pk}
    rows = tx.rows("SELECT pk, id FROM message WHERE owner = :owner AND conversation_pk = :pk", key)
    changes.record_many(
        tx,
        [changes.change_params(owner, "message", "delete", row_pk, id, conversation_pk=pk) for row_pk, id in rows],
    )
    of_messages = "(SELECT pk FROM message WHERE owner = :owner AND conversation_pk = :pk)"
    tx.run(f"DELETE FROM stream_chunk WHERE message_pk IN {of_messages}", key)
    tx.run(f"DELETE FROM stream WHERE message_pk IN {of_messages}", key)
    tx.run(f"DELETE FROM message_attachment WHERE owner = :owner AND message_pk IN {of_messages}", key)
    tx.run("DELETE FROM message WHERE owner = :owner AND conversation_pk = :pk", key)
    return len(rows)


def _tags_of(tx: Transaction, owner: str, pk: int) -> list[int]:
    key = {"owner": owner, "pk": pk}
    return [
        row[0]
        for row in tx.rows("SELECT tag_pk FROM conversation_tag WHERE owner = :owner AND conversation_pk = :pk", key)
    ]


def _delete_unused_tags(tx: Transaction, owner: str, pks: Iterable[int]) -> None:
    """A tag's name may say what was purged: one that nothing carries any more goes along."""
    for pk in sorted(pks):
        row = tx.row(
            "DELETE FROM tag WHERE owner = :owner AND pk = :pk AND NOT EXISTS"
            " (SELECT 1 FROM conversation_tag WHERE owner = :owner AND tag_pk = :pk) RETURNING id",
            {"owner": owner, "pk": pk},
        )
        if row is not None:
            changes.record(tx, owner, "tag", "delete", pk, row[0])


def _linked_attachments(tx: Transaction, owner: str, pk: int) -> list[int]:
    rows = tx.rows(
        "SELECT DISTINCT l.attachment_pk FROM message AS m JOIN message_attachment AS l"
        " ON l.owner = m.owner AND l.message_pk = m.pk WHERE m.owner = :owner AND m.conversation_pk = :pk",
        {"owner": owner, "pk": pk},
    )
    return [row[0] for row in rows]


def _delete_unlinked(tx: Transaction, owner: str, pks: Iterable[int]) -> list[str]:
    """Delete those of these attachments that no message names any more; the SHA-256 that no row names any more."""
    orphans = set()
    for pk in sorted(pks):
        row = tx.row(
            "DELETE FROM attachment WHERE owner = :owner AND pk = :pk AND NOT EXISTS (SELECT 1 FROM message_attachment"
            " AS l WHERE l.owner = :owner AND l.attachment_pk = :pk) RETURNING id, sha256",
            {"owner": owner, "pk": pk},
        )
        if row is not None:
            changes.record(tx, owner, "attachment", "delete", pk, row[0])
            orphans.add(row[1])
    return [
        sha256
        for sha256 in sorted(orphans - {None})
        if tx.row("SELECT 1 FROM attachment WHERE sha256 = :sha256 LIMIT 1", {"sha256": sha256}) is None
    ]
