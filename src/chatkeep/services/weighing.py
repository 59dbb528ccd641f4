"""What a dry run does with attachments: their bytes are read and weighed, and not kept."""

from __future__ import annotations

import io
from hashlib import sha256
from typing import BinaryIO, Protocol

from chatkeep.blobs.protocol import Blob
from chatkeep.services.sniffing import HEAD_BYTES

_CHUNK_BYTES = 1 << 20


class Bytes(Protocol):
    """The part of a place for bytes that preparing an import needs; see :class:`chatkeep.blobs.Blobs`."""

    def put(self, content: BinaryIO) -> Blob:
        """Take bytes in."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The bytes, right after they were put."""
        ...


class Scales:
    """A place for bytes that keeps none but the first few of the last."""

    def __init__(self) -> None:
        self._head = b""

    def put(self, content: BinaryIO) -> Blob:
        """See :class:`Bytes`."""
        self._head, digest, size = b"", sha256(), 0
        while chunk := content.read(_CHUNK_BYTES):
            self._head += chunk[: HEAD_BYTES - len(self._head)]
            digest.update(chunk)
            size += len(chunk)
        return Blob(digest.hexdigest(), size)

    def open(self, sha256: str) -> BinaryIO:
        """See :class:`Bytes`."""
        return io.BytesIO(self._head)
