"""The files that a Claude.ai conversation mentions; an export holds extracted text of some, and bytes of none."""

from __future__ import annotations

import binascii
import io
from functools import partial
from typing import Any, BinaryIO

from chatkeep.formats.protocol import SourceAttachment
from chatkeep.formats.values import Fields
from chatkeep.model import AttachmentRef


def last_segment(path: str) -> str:
    """The file name at the end of an untrusted path; empty if it ends in none."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1].strip()
    return "" if name in {".", ".."} else name


def _text_stream(text: str) -> BinaryIO:
    return io.BytesIO(text.encode("utf-8", "replace"))


def _base64_stream(data: str) -> BinaryIO:
    return io.BytesIO(binascii.a2b_base64(data))


class Files:
    """All files of one conversation, each once."""

    def __init__(self) -> None:
        self._by_id: dict[str, SourceAttachment] = {}

    def all(self) -> tuple[SourceAttachment, ...]:
        """In the order in which they were first mentioned."""
        return tuple(self._by_id.values())

    def add(self, attachment: SourceAttachment) -> AttachmentRef:
        """A reference to a file; of two mentions of one id the one that has bytes is kept."""
        known = self._by_id.get(attachment.source_id)
        if known is None or (known.open is None and attachment.open is not None):
            self._by_id[attachment.source_id] = attachment
        return AttachmentRef(attachment_id=attachment.source_id, name=attachment.name, media_type=attachment.media_type)

    def add_text(self, source_id: str, name: str, text: str, media_type: str) -> AttachmentRef:
        """A file whose whole text is known."""
        return self.add(
            SourceAttachment(source_id=source_id, name=name, media_type=media_type, open=partial(_text_stream, text))
        )

    def add_base64(self, source_id: str, name: str, data: str, media_type: str | None) -> AttachmentRef:
        """A file that a capture of the web API holds inline; without bytes if they are not base64."""
        try:
            size = len(binascii.a2b_base64(data)) or None
        except ValueError:
            size = None
        return self.add(
            SourceAttachment(
                source_id=source_id,
                name=name,
                media_type=media_type,
                open=None if size is None else partial(_base64_stream, data),
                size_bytes=size,
            )
        )


def message_files(message: Fields, message_id: str, files: Files) -> list[AttachmentRef]:
    """References to what was attached to a message.

    ``attachments`` are documents as extracted text; ``files`` (and ``files_v2`` of a capture) are names only. A file
    listed in both is one file, with the text.
    """
    found: list[AttachmentRef] = []
    names: set[str] = set()
    for number, item in enumerate(message.listing("attachments"), start=1):
        fields = Fields(item, message.problems, f"attachments {number}")
        reference = _document(fields, f"{message_id}/attachment-{number}", number, files)
        found.append(reference)
        names.add(reference.name or "")
    seen: set[str] = set()
    for key in ("files", "files_v2"):
        for number, item in enumerate(message.listing(key), start=1):
            fields = Fields(item, message.problems, f"{key} {number}")
            name = fields.text("file_name") or ""
            file_id = fields.text("file_uuid") or fields.text("uuid") or f"{message_id}/file-{name or number}"
            if file_id in seen or (name and name in names):
                continue
            seen.add(file_id)
            found.append(_named_only(fields, file_id, name, files))
    return found


def _document(fields: Fields, fallback_id: str, number: int, files: Files) -> AttachmentRef:
    text = fields.text("extracted_content")
    # A big paste has no name; what is stored is text whatever the file was, so its type is not the file's.
    name = last_segment(fields.text("file_name") or "") or f"Pasted text {number}.txt"
    source_id = fields.text("id") or fallback_id
    return files.add(
        SourceAttachment(
            source_id=source_id,
            name=name,
            media_type="text/plain" if text else None,
            open=partial(_text_stream, text) if text else None,
            created_at=fields.time_from_iso("created_at"),
            extra=fields.rest(),
        )
    )


def _named_only(fields: Fields, file_id: str, name: str, files: Files) -> AttachmentRef:
    return files.add(
        SourceAttachment(
            source_id=file_id,
            name=last_segment(name) or "file",
            created_at=fields.time_from_iso("created_at"),
            size_bytes=fields.integer("file_size"),
            extra=fields.rest(),
        )
    )


def resource(fields: dict[str, Any], fallback_id: str, known: str | None, files: Files) -> AttachmentRef:
    """A file that a tool left in Claude's sandbox; its text is ``known`` when the conversation itself wrote it."""
    uuid, path, name, media = (fields.get(key) for key in ("uuid", "file_path", "name", "mime_type"))
    shown = (isinstance(name, str) and last_segment(name)) or (isinstance(path, str) and last_segment(path)) or "file"
    return files.add(
        SourceAttachment(
            source_id=uuid if isinstance(uuid, str) and uuid else fallback_id,
            name=shown,
            media_type=media if isinstance(media, str) else None,
            open=None if known is None else partial(_text_stream, known),
        )
    )
