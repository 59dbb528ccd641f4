"""Attachments' bytes inside an export: found by their SHA-256, decoded while they are read."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.chatkeep.lines import CHUNK_BYTES, AttachmentLine, BytesLine
from chatkeep.formats.json_stream import lines_at
from chatkeep.formats.protocol import Member, Skipped
from chatkeep.model import Attachment

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LINE_LIMIT = 4 * CHUNK_BYTES
_line = msgspec.json.Decoder(AttachmentLine)
_bytes = msgspec.json.Decoder(BytesLine)


class Contents:
    """Where in which file each attachment's bytes begin."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[Member, int, str]] = {}

    def note(self, line: bytes, member: Member, offset: int) -> None:
        """Remember that the content of the attachment in ``line`` begins at ``offset``, if it says so."""
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = _line.decode(line)
            if found.bytes == "follow" and found.attachment.sha256:
                self._places.setdefault(found.attachment.sha256, (member, offset, found.attachment.id))

    def opener(self, attachment: Attachment) -> partial[BinaryIO] | None:
        """A callable that opens an attachment's bytes; None if this export does not hold them."""
        place = self._places.get(attachment.sha256 or "")
        return None if place is None else partial(_opened, *place, attachment)


def _opened(member: Member, offset: int, id: str, attachment: Attachment) -> BinaryIO:
    return io.BufferedReader(_ChunkStream(member, offset, id, attachment), CHUNK_BYTES)


class _ChunkStream(io.RawIOBase):
    """Raises UnreadableSourceError at the end if the bytes are not those of the SHA-256."""

    def __init__(self, member: Member, offset: int, id: str, attachment: Attachment) -> None:
        self._stream = member.open()
        self._stream.seek(offset)
        self._name = member.name
        self._id = id
        self._sha256 = attachment.sha256
        self._digest = sha256()
        self._pieces = self._chunks()
        self._piece = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        if not self._piece:
            self._piece = next(self._pieces, b"")
        size = min(len(view), len(self._piece))
        view[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _chunks(self) -> Iterator[bytes]:
        at = 0
        for _, _, line in lines_at(self._stream, limit=_LINE_LIMIT):
            if isinstance(line, Skipped):
                break
            try:
                found = _bytes.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                break
            if found.of != self._id or found.at != at:
                break
            self._digest.update(found.base64)
            at += len(found.base64)
            if found.base64:
                yield found.base64
        if self._digest.hexdigest() != self._sha256:
            raise UnreadableSourceError(f"{self._name}: an attachment of {at} bytes is not as it was written")
