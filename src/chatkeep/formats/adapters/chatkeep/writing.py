"""Writing Chatkeep's own format: one pass, one conversation's attachment list in memory."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from chatkeep.errors import BlobMissingError
from chatkeep.formats.adapters.chatkeep.lines import (
    CHUNK_BYTES,
    VERSION,
    AttachmentLine,
    BytesLine,
    ConversationLine,
    EndLine,
    EndOfConversation,
    HeaderLine,
    MessageLine,
    Totals,
)
from chatkeep.formats.protocol import ExportRecord, Written
from chatkeep.formats.writing import new_file
from chatkeep.model import Attachment


def write(records: Iterable[ExportRecord], destination: Path) -> Written:
    """One file; see :class:`chatkeep.formats.protocol.FormatWriter`."""
    with new_file(destination) as stream:
        output = _Output(stream)
        output.line(HeaderLine(VERSION))
        for record in records:
            output.record(record)
        totals = output.totals()
        output.line(EndLine(totals))
    return Written(
        conversations=totals.conversations,
        messages=totals.messages,
        attachments=totals.attachments,
        missing_attachments=output.missing,
        files=(destination,),
    )


class _Output:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._encode = msgspec.json.Encoder().encode
        self._all = sha256()
        self._one = sha256()
        self._written: set[bytes] = set()
        self._conversations = self._messages = self._attachments = 0
        self.missing = 0

    def line(self, value: msgspec.Struct) -> None:
        raw = self._encode(value) + b"\n"
        self._stream.write(raw)
        self._all.update(raw)
        self._one.update(raw)

    def totals(self) -> Totals:
        return Totals(self._conversations, self._messages, self._attachments, self._all.hexdigest())

    def record(self, record: ExportRecord) -> None:
        self._one = sha256()
        self.line(ConversationLine(record.conversation, record.project))
        for attachment in record.attachments:
            self._attachment(attachment, record)
        count = 0
        for message in record.messages:
            self.line(MessageLine(message))
            count += 1
        self.line(
            EndOfConversation(record.conversation.id, count, len(record.attachments), self._one.hexdigest()),
        )
        self._conversations += 1
        self._messages += count

    def _attachment(self, attachment: Attachment, record: ExportRecord) -> None:
        if attachment.sha256 is not None and bytes.fromhex(attachment.sha256) in self._written:
            self.line(AttachmentLine(attachment, "before"))
            self._attachments += 1
            return
        content = _content(attachment, record)
        if content is None:
            self.line(AttachmentLine(attachment, "missing"))
            self.missing += 1
            return
        self.line(AttachmentLine(attachment, "follow"))
        at = 0
        with content:
            while piece := _full_read(content, CHUNK_BYTES):
                self.line(BytesLine(attachment.id, at, piece))
                at += len(piece)
        if attachment.sha256 is not None:
            self._written.add(bytes.fromhex(attachment.sha256))
        self._attachments += 1


def _content(attachment: Attachment, record: ExportRecord) -> BinaryIO | None:
    if attachment.sha256 is None:
        return None
    try:
        return record.open_blob(attachment.sha256)
    except BlobMissingError:
        return None


def _full_read(stream: BinaryIO, size: int) -> bytes:
    """``size`` bytes unless the stream ends; the lines then do not depend on how the stream delivers."""
    pieces = []
    while size and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
