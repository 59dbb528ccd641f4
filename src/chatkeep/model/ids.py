"""Ids: made here in time order, or derived from where an imported record came from.

Both are UUIDs whose top 48 bits are the creation time in Unix milliseconds, so that indexes stay local and ids sort
by time.
"""

from __future__ import annotations

import os
import time
from hashlib import sha256

_MAX_MS = (1 << 48) - 1
# The two bits of the variant (RFC 9562) replace the upper two of whatever hex digit stands there.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_id() -> str:
    """A UUIDv7 (RFC 9562) of this moment, unique across processes."""
    return _text(time.time_ns() // 1_000_000, "7", os.urandom(10).hex())


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
    digest = sha256(f"{format}\0{scope}\0{source_id}".encode("utf-8", "surrogatepass")).hexdigest()
    ms = min(max((created_us or 0) // 1000, 0), _MAX_MS)
    return _text(ms, "8", digest)


def _text(ms: int, version: str, random: str) -> str:
    at = f"{ms:012x}"
    return f"{at[:8]}-{at[8:]}-{version}{random[:3]}-{_VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"
