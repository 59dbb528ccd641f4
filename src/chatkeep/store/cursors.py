"""Cursors of lists: opaque to callers, bound to the list that gave them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from chatkeep.errors import CursorError

MAX_LIMIT = 1000
_INT64 = 2**63


def cursor_text(list_name: str, *position: Any) -> str:
    """A cursor at a position (JSON values) of a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode([list_name, *position])).decode().rstrip("=")


def cursor_position(cursor: str, list_name: str, types: tuple[type, ...]) -> tuple[Any, ...]:
    """The position that a cursor of this list stands for.

    Raises:
        CursorError: Not a cursor, or of another list.
    """
    try:
        name, *position = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if name == list_name and len(position) == len(types) and all(map(_is_place, position, types)):
            return tuple(position)
    except (ValueError, TypeError, RecursionError, binascii.Error, msgspec.DecodeError):
        pass
    raise CursorError(f"not a cursor of this list: {cursor[:40]!r}; leave it out to start from the first page")


def _is_place(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not (isinstance(value, int) and not -_INT64 <= value < _INT64)


def page_size(limit: int) -> int:
    """How many rows a page really has: between 1 and 1,000."""
    return max(1, min(limit, MAX_LIMIT))
