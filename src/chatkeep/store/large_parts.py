"""Parts too large for a row: their text becomes an attachment, and a reference stands in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from chatkeep.encoding import clean_text
from chatkeep.model import AttachmentRef, Part, ToolResult

LIMIT_CHARS: Final = 8 * 1024 * 1024

Put = Callable[[bytes, str, str], str]
"""Stores bytes under a name and a media type; gives the id that a reference names them by."""


def with_small_parts(parts: tuple[Part, ...], put: Put) -> tuple[Part, ...]:
    """The parts, each larger one replaced by a reference to what ``put`` stored of it.

    The reference's ``extra["chatkeep"]`` says what kind of part it was and holds its other fields.
    """
    if not any(_is_large(part) for part in parts):
        return parts
    return tuple(_moved(part, place, put) if _is_large(part) else part for place, part in enumerate(parts))


def _is_large(part: Part) -> bool:
    text = part.output if isinstance(part, ToolResult) else getattr(part, "text", None)
    return isinstance(text, str) and len(text) > LIMIT_CHARS


def _moved(part: Part, place: int, put: Put) -> AttachmentRef:
    fields: dict[str, Any] = msgspec.to_builtins(part)
    kind = fields.pop("type")
    text = fields.pop("output" if isinstance(part, ToolResult) else "text")
    name = f"{kind}-{place + 1}.txt"
    id = put(_bytes(text), name, "text/plain; charset=utf-8")
    kept = {"part": kind, **({"fields": fields} if fields else {})}
    return AttachmentRef(attachment_id=id, name=name, media_type="text/plain", extra={"chatkeep": kept})


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return clean_text(text)[0].encode()
