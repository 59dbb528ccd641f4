"""What a message says and carries: its parts, the files attached to it, and those that its text shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from chatkeep.formats.protocol import SourceAttachment
from chatkeep.formats.values import Fields
from chatkeep.model import AttachmentRef, Part, Text, ToolResult

from .files import Files, shown_file
from .parts import asset_paths, content_of, text_parts
from .tables import Row


class Material(NamedTuple):
    """What the messages of one chat are made of, beside their own rows."""

    chat_id: str
    parts: dict[str, list[Row]]
    """Rows of `message_parts`, by message."""
    attached: dict[str, list[SourceAttachment]]
    """Attachments in the order they are shown, by message."""
    files: Files
    shown: dict[str, SourceAttachment]
    """Collects the files that texts show by address, by source id."""


class Body(NamedTuple):
    """The parts of a message, and what of its content has no part."""

    parts: tuple[Part, ...]
    extra: dict[str, Any]
    is_interrupted: bool


def body_of(fields: Fields, source_id: str, material: Material, *, user: bool) -> Body:
    """The content of one message: its rows of parts, else its text; then what is attached."""
    text = fields.text("text") or ""
    rows = material.parts.get(source_id, [])
    content = content_of(rows, fields.problems)
    parts = content.parts
    extra: dict[str, Any] = {"message_parts": content.empty_rows} if content.empty_rows else {}
    if not parts:
        parts = ([Text(text=text)] if text else []) if user else list(text_parts(text))
    elif text and text not in _spellings(rows):
        # Imported answers have their text in both places; usually it is the same.
        extra["text"] = text
    if not user:
        parts = _with_shown_files(parts, material)
    parts += [_reference(attachment) for attachment in material.attached.get(source_id, [])]
    return Body(tuple(parts), extra, content.is_interrupted)


def _spellings(rows: list[Row]) -> set[str]:
    contents = [row["content"] for row in rows if isinstance(row.get("content"), str) and row["content"]]
    return {separator.join(contents) for separator in ("", "\n", "\n\n")}


def _reference(attachment: SourceAttachment) -> AttachmentRef:
    return AttachmentRef(attachment_id=attachment.source_id, name=attachment.name, media_type=attachment.media_type)


def _with_shown_files(parts: list[Part], material: Material) -> list[Part]:
    """The parts, each followed by the files that it shows, unless the message has shown them already."""
    seen: set[str] = set()
    result: list[Part] = []
    for part in parts:
        result.append(part)
        text = part.text if isinstance(part, Text) else part.output if isinstance(part, ToolResult) else None
        for path in asset_paths(text):
            shown = shown_file(path, material.chat_id, material.files)
            if shown is not None and shown.source_id not in seen:
                seen.add(shown.source_id)
                material.shown.setdefault(shown.source_id, shown)
                result.append(_reference(shown))
    return result
