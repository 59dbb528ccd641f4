"""What kind of file something is, by its first bytes, where neither source nor name says it."""

from __future__ import annotations

import mimetypes
from typing import Final

HEAD_BYTES: Final = 16

_SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"PK\x03\x04", "application/zip"),
)
UNKNOWN: Final = "application/octet-stream"


def media_type(name: str, head: bytes) -> str:
    """A media type by the file's name, else by its first 16 bytes, else the one that says nothing."""
    by_name = mimetypes.guess_type(name)[0]
    if by_name is not None:
        return by_name
    return next((kind for at, mark, kind in _SIGNATURES if head[at : at + len(mark)] == mark), UNKNOWN)
