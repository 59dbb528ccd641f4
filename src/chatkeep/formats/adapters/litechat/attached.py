"""Files that questions carry and pictures that answers show; their bytes lie in the export as text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

from chatkeep.formats.protocol import SourceAttachment
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import AttachmentRef, Part, Text

_PICTURE = re.compile(r"!\[([^\]\n]{0,2000})\]\(data:image/([\w.+-]{1,40});base64,([A-Za-z0-9+/]++={0,2})\)")
# What no file can hold: one half of a character that UTF-16 writes in two.
_HALF = re.compile("[\ud800-\udfff]")
_DATA_ADDRESS = re.compile(r"data:[^,]{0,200};base64,")


def file_of(value: Any, source_id: str, problems: Problems) -> SourceAttachment:
    """An attached file; files of the app's virtual file systems have a path and no content here."""
    fields = Fields(value, problems)
    if isinstance(value, dict) and value.get("id") == source_id:
        fields.ignore("id")
    content, size = _content(fields)
    said = fields.integer("size")
    extra: dict[str, Any] = {} if size is None or said in (None, size) else {"size": said}
    return SourceAttachment(
        source_id=source_id,
        name=fields.text("name") or source_id,
        media_type=fields.text("type") or None,
        open=content,
        size_bytes=said if size is None else size,
        extra={**fields.rest(), **extra},
    )


def reference(attachment: SourceAttachment) -> AttachmentRef:
    """The part that stands for a file in a message."""
    return AttachmentRef(attachment_id=attachment.source_id, name=attachment.name, media_type=attachment.media_type)


def _content(fields: Fields) -> tuple[Callable[[], BinaryIO] | None, int | None]:
    text = fields.text("contentText")
    if text is not None:
        cleaned = _HALF.sub("\ufffd", text)
        if cleaned != text:
            fields.problems.add("contentText", "half a character was replaced")
        data = cleaned.encode()
        return partial(BytesIO, data), len(data)
    encoded = fields.text("contentBase64")
    if encoded is None:
        return None, None
    start = _DATA_ADDRESS.match(encoded)
    body = encoded[start.end() :] if start else encoded
    try:
        size = len(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError):
        fields.problems.add("contentBase64", "not base64: the file counts as missing")
        return None, None
    return partial(_decoded, body), size


def _decoded(body: str) -> BinaryIO:
    return BytesIO(base64.b64decode(body))


def with_pictures(text: str, source_id: str, pictures: list[SourceAttachment]) -> Iterator[Part]:
    """The text, with each picture that it holds as a data address taken out to a file of its own, in its place."""
    at = 0
    for match in _PICTURE.finditer(text) if "data:image/" in text else ():
        alt, kind, body = match.groups()
        try:
            if base64.b64encode(base64.b64decode(body, validate=True)).decode() != body:
                continue
        except (binascii.Error, ValueError):
            continue
        number = len(pictures) + 1
        picture = SourceAttachment(
            source_id=f"{source_id}:image-{number}",
            name=f"image-{number}.{kind.split('+')[0]}",
            media_type=f"image/{kind}",
            open=partial(_decoded, body),
            size_bytes=len(body) // 4 * 3 - body.count("="),
            kind="generated_image",
        )
        pictures.append(picture)
        if match.start() > at:
            yield Text(text=text[at : match.start()])
        yield AttachmentRef(
            attachment_id=picture.source_id, name=picture.name, media_type=picture.media_type, extra={"alt": alt}
        )
        at = match.end()
    if at < len(text):
        yield Text(text=text[at:])
