"""Attachments: what is known of files, and their bytes in the blobs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, BinaryIO

import msgspec

from chatkeep.blobs import Blobs
from chatkeep.encoding import storable
from chatkeep.errors import AttachmentNotFoundError, BlobMissingError
from chatkeep.model import Attachment, AttachmentKind, SourceKey, new_id, to_us, utc_now
from chatkeep.store import changes
from chatkeep.store.admitting import admitted
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.lookup import conversation_pk

_attachment = msgspec.json.Decoder(Attachment)
_encode = msgspec.json.Encoder().encode
_SELECT = "SELECT pk, body FROM attachment WHERE owner = :owner AND id = :id"


class Attachments:
    """The attachments of one owner."""

    def __init__(self, engine: Engine, blobs: Blobs, owner: str) -> None:
        self._engine = engine
        self._blobs = blobs
        self._owner = owner

    def add(
        self,
        content: BinaryIO,
        *,
        name: str,
        media_type: str = "application/octet-stream",
        kind: AttachmentKind = "upload",
        created_at: datetime | None = None,
    ) -> Attachment:
        """Store a file; refer to it from a message by an :class:`~chatkeep.model.AttachmentRef` with its id.

        The bytes are durable before the row that names them: a crash in between leaves bytes that ``check`` reports.

        Raises:
            BlobMissingError: Somebody purged the same bytes at this moment, and ``content`` cannot be read again.
        """
        start = content.tell() if content.seekable() else None
        while True:
            draft = self.prepare(content, name=name, media_type=media_type, kind=kind, created_at=created_at)
            try:
                return self._engine.write(lambda tx, draft=draft: self.insert(tx, draft))  # type: ignore[misc]  # bound now
            except BlobMissingError:
                if start is None:
                    raise
                content.seek(start)

    def prepare(
        self,
        content: BinaryIO,
        *,
        name: str,
        media_type: str,
        kind: AttachmentKind = "upload",
        created_at: datetime | None = None,
    ) -> Attachment:
        """Store the bytes of an attachment that is yet to be inserted."""
        blob = self._blobs.put(content)
        return Attachment(
            id=new_id(),
            name=name,
            media_type=media_type,
            size_bytes=blob.size_bytes,
            sha256=blob.sha256,
            kind=kind,
            created_at=created_at or utc_now(),
        )

    def insert(self, tx: Transaction, draft: Attachment) -> Attachment:
        """Insert what was prepared. Raises BlobMissingError: somebody purged its bytes meanwhile."""
        require_bytes(self._blobs, (draft,))
        return insert_attachment(tx, self._owner, draft)[1]

    def get(self, id: str) -> Attachment:
        """One attachment. Raises AttachmentNotFoundError."""

        def work(tx: Transaction) -> Attachment:
            found = attachment_row(tx, self._owner, id)
            if found is None:
                raise AttachmentNotFoundError(id)
            return found[1]

        return self._engine.read(work)

    def open(self, id: str) -> BinaryIO:
        """A stream of its bytes. Raises AttachmentNotFoundError, BlobMissingError."""
        attachment = self.get(id)
        if attachment.sha256 is None:
            raise BlobMissingError("(never found)")
        return self._blobs.open(attachment.sha256)

    def list(self, conversation_id: str) -> list[Attachment]:
        """The attachments of a conversation's messages, by id. Raises ConversationNotFoundError."""
        return self._engine.read(lambda tx: attachments_of(tx, self._owner, conversation_id))


def require_bytes(blobs: Blobs, attachments: Iterable[Attachment]) -> None:
    """Make sure, under the write lock, that bytes which were put before it was taken are still there.

    Between the two a purge may have removed them: no row named them yet.

    Raises:
        BlobMissingError: They have to be put again.
    """
    for attachment in attachments:
        if attachment.sha256 is not None and blobs.size(attachment.sha256) is None:
            raise BlobMissingError(attachment.sha256)


def attachments_of(tx: Transaction, owner: str, conversation_id: str) -> list[Attachment]:
    """See :meth:`Attachments.list`."""
    pk = conversation_pk(tx, owner, conversation_id)
    rows = tx.rows(
        "SELECT DISTINCT a.id, a.body FROM message AS m"
        " JOIN message_attachment AS l ON l.owner = m.owner AND l.message_pk = m.pk"
        " JOIN attachment AS a ON a.owner = l.owner AND a.pk = l.attachment_pk"
        " WHERE m.owner = :owner AND m.conversation_pk = :pk ORDER BY a.id",
        {"owner": owner, "pk": pk},
    )
    return [_attachment.decode(row[1]) for row in rows]


def insert_attachment(tx: Transaction, owner: str, draft: Attachment) -> tuple[int, Attachment]:
    """Insert an attachment's row; its key, and its value as stored."""
    draft = admitted(draft)
    row = tx.row(
        "INSERT INTO attachment (owner, id, sha256, size_bytes, created_at, source_format, source_scope,"
        " source_id, body)"
        " VALUES (:owner, :id, :sha256, :size_bytes, :created_at, :source_format, :source_scope, :source_id, :body)"
        " RETURNING pk",
        _columns(owner, draft),
    )
    assert row is not None
    changes.record(tx, owner, "attachment", "create", row[0], draft.id)
    return int(row[0]), draft


def attachment_row(tx: Transaction, owner: str, id: str) -> tuple[int, Attachment] | None:
    """Key and value of an attachment, or None."""
    row = tx.row(_SELECT, {"owner": owner, "id": id})
    return None if row is None else (int(row[0]), _attachment.decode(row[1]))


def find_attachment(tx: Transaction, owner: str, source: SourceKey) -> tuple[int, Attachment] | None:
    """The attachment that was imported from a source record, or None."""
    row = tx.row(
        "SELECT pk, body FROM attachment WHERE owner = :owner AND source_id = :source_id AND source_scope = :scope"
        " AND source_format = :format",
        {"owner": owner, "source_id": source.source_id, "scope": source.scope, "format": source.format},
    )
    return None if row is None else (int(row[0]), _attachment.decode(row[1]))


def write_attachment(tx: Transaction, owner: str, pk: int, attachment: Attachment) -> None:
    """Rewrite an attachment's row, as when its bytes turn up."""
    attachment = storable(attachment)
    tx.run(
        "UPDATE attachment SET sha256 = :sha256, size_bytes = :size_bytes, body = :body"
        " WHERE owner = :owner AND pk = :pk",
        {
            "owner": owner,
            "pk": pk,
            "sha256": attachment.sha256,
            "size_bytes": attachment.size_bytes,
            "body": _encode(attachment).decode(),
        },
    )
    changes.record(tx, owner, "attachment", "put", pk, attachment.id)


def _columns(owner: str, attachment: Attachment) -> dict[str, Any]:
    source = attachment.source
    return {
        "owner": owner,
        "id": attachment.id,
        "sha256": attachment.sha256,
        "size_bytes": attachment.size_bytes,
        "created_at": to_us(attachment.created_at),
        "source_format": source.format if source else None,
        "source_scope": source.scope if source else None,
        "source_id": source.source_id if source else None,
        "body": _encode(attachment).decode(),
    }
