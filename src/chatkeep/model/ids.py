"""Ids: made here in time order, or derived from where an imported record came from.

Both are UUIDs whose top 48 bits are the creation time in Unix milliseconds, so that indexes stay local and ids sort
by time.
"""

from __future__ import annotations

import os
import time
from hashlib import sha256

_MAX_MS = (1 << 48) - 1


def new_id() -> str:
    """A UUIDv7 (RFC 9562) of this moment, unique across processes."""
    return _text(
        ((time.time_ns() // 1_000_000) << 80) | (7 << 76) | int.from_bytes(os.urandom(9), "big") & _RANDOM_BITS
    )


# 12 bits after the version nibble and 62 after the variant; the variant bits themselves are set in _text.
_RANDOM_BITS = (1 << 72) - 1


def derived_id(format: str, scope: str, source_id: str, created_us: int | None) -> str:
    """The id of an imported record: the same source record gives the same id on every machine.

    Args:
        format: The adapter's name.
        scope: Empty if the format's ids are unique everywhere, else what they are unique in.
        source_id: The record's own id in its source; any text.
        created_us: Its creation time there in Unix microseconds; None or out of range counts as 0.

    Returns:
        A UUIDv8: 48 bits of time, then SHA-256 of the three texts.
    """
    digest = sha256("\0".join((format, scope, source_id)).encode("utf-8", "surrogatepass")).digest()
    ms = min(max((created_us or 0) // 1000, 0), _MAX_MS)
    return _text((ms << 80) | (8 << 76) | int.from_bytes(digest[:10], "big") & _RANDOM_BITS)


def _text(value: int) -> str:
    value = value & ~(0b11 << 62) | (0b10 << 62)
    h = f"{value:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
