"""What the store asks of a place for bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

import msgspec


class Blob(msgspec.Struct, frozen=True):
    """Content that is safely there: its SHA-256 in lower-case hex, and its size."""

    sha256: str
    size_bytes: int


class Blobs(Protocol):
    """Bytes stored once per content. Every call takes effect fully or not at all; repeating one is safe."""

    def put(self, content: BinaryIO, *, limit_bytes: int | None = None) -> Blob:
        """Store what the stream holds; when it returns, the bytes survive a power cut.

        What is here already is written again, which heals it if it was damaged.

        Raises:
            ValueError: More than ``limit_bytes``; nothing is kept.
            OSError: ``content`` could not be read; nothing is kept.
            StoreFullError, StorePermissionError, StoreIOError: Nothing is kept.
        """
        ...

    def open(self, sha256: str) -> BinaryIO:
        """A stream of the bytes. Raises BlobMissingError."""
        ...

    def size(self, sha256: str) -> int | None:
        """Size in bytes, or None if it is not here."""
        ...

    def delete(self, sha256: str) -> bool:
        """Remove the bytes; whether they were there. The caller knows that no row names them."""
        ...

    def all(self) -> Iterator[Blob]:
        """Everything that is here, in no order, as named; contents are not read."""
        ...

    def sweep(self) -> int:
        """Remove what interrupted writes left more than a day ago; how many pieces that were."""
        ...
