"""Cursors of the change log: opaque to callers, a place in commit order to us."""

from __future__ import annotations

import base64
import binascii

from chatkeep.errors import CursorError

_INT64 = 2**63


def cursor_of(epoch: str, seq: int, nonce: int) -> str:
    """The cursor of the place after a change."""
    return base64.urlsafe_b64encode(f"{epoch}.{seq}.{nonce}".encode()).decode().rstrip("=")


def parse_cursor(cursor: str) -> tuple[str, int, int]:
    """Epoch, sequence and nonce. Raises CursorError."""
    try:
        epoch, seq, nonce = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".")
        place = int(seq), int(nonce)
        if not all(-_INT64 <= number < _INT64 for number in place):
            raise ValueError("not a number of 64 bits")
        return epoch, *place
    except (ValueError, binascii.Error) as error:
        raise CursorError(f"not a cursor of a change feed: {cursor[:40]!r}") from error


def order_of(cursor: str) -> tuple[str, int]:
    """What cursors of one store are ordered by: its epoch, and the place in commit order. Raises CursorError."""
    epoch, seq, _ = parse_cursor(cursor)
    return epoch, seq
