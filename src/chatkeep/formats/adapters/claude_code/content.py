"""Content blocks of a log line, as parts; pictures and documents in them become attachments."""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.claude_code.layout import last_segment
from chatkeep.formats.json_stream import loads
from chatkeep.formats.protocol import Member, SourceAttachment
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import AttachmentRef, Citation, Part, RawPart, Text, Thinking, ToolCall, ToolResult

_SAVED = re.compile(r"Full output saved to: ([^\n]{1,4096})")
_CALLS = {"tool_use", "server_tool_use", "mcp_tool_use"}
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
             "application/pdf": ".pdf"}  # fmt: skip


class Place:
    """Where a line lies, so that large values in it can be read again instead of being held."""

    def __init__(self, member: Member, offset: int, size: int) -> None:
        self._member = member
        self._offset = offset
        self._size = size

    def base64_at(self, path: tuple[str | int, ...]) -> BinaryIO:
        """The bytes of a base64 text somewhere in the line.

        Raises:
            UnreadableSourceError: The file was changed or damaged since.
        """
        with self._member.open() as stream:
            _skip(stream, self._offset)
            raw = stream.read(self._size)
        try:
            return _decoded(loads(raw), path)
        except (ValueError, TypeError, LookupError) as error:
            raise UnreadableSourceError(f"{self._member.name}: changed while it was read") from error


class HeldPlace(Place):
    """A line that was part of a larger JSON text and is held as it is."""

    def __init__(self, member: Member, line: Any) -> None:
        super().__init__(member, 0, 0)
        self._line = line

    def base64_at(self, path: tuple[str | int, ...]) -> BinaryIO:
        """See :class:`Place`."""
        return _decoded(self._line, path)


def _decoded(value: Any, path: tuple[str | int, ...]) -> BinaryIO:
    for key in path:
        value = value[key]
    return io.BytesIO(binascii.a2b_base64(value))


def _skip(stream: BinaryIO, size: int) -> None:
    if stream.seekable():
        stream.seek(size)
        return
    while size > 0 and (data := stream.read(min(size, 1 << 20))):
        size -= len(data)


class Content:
    """Reads the blocks of one line."""

    def __init__(
        self,
        line_id: str,
        place: Place,
        files: dict[str, SourceAttachment],
        results: dict[str, Member],
    ) -> None:
        self.parts: list[Part] = []
        self._line_id = line_id
        self._place = place
        self._files = files
        self._results = results

    def add(self, block: object, path: tuple[str | int, ...], problems: Problems) -> None:
        """Append what a block says; ``path`` leads to it in its line."""
        if isinstance(block, str):
            self.parts.append(Text(text=block))
            return
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(kind, str):
            problems.add("", "a block without a type was kept as found")
            self.parts.append(RawPart(kind="block", data=block))
            return
        fields = Fields(block, problems)
        fields.ignore("type")
        if reader := self._reader(kind):
            reader(fields)
        elif kind in ("image", "document"):
            self._file(fields, kind, path)
        elif kind.endswith("tool_result"):
            self._result(fields, kind, path)
        else:
            self.parts.append(RawPart(kind=kind, data=block))

    def _reader(self, kind: str) -> Callable[[Fields], None] | None:
        if kind == "text":
            return self._text
        if kind in ("thinking", "redacted_thinking"):
            return partial(self._thinking, kind=kind)
        return partial(self._call, kind=kind) if kind in _CALLS else None

    def _text(self, block: Fields) -> None:
        text = block.text("text")
        citations = block.listing("citations")
        self.parts.append(Text(text=text or "", extra=block.rest()))
        for number, item in enumerate(citations, start=1):
            cited = Fields(item, block.problems, f"citations {number}")
            url, title, quoted = cited.text("url"), cited.text("title"), cited.text("cited_text")
            self.parts.append(Citation(url=url, title=title, text=quoted, extra=cited.rest()))

    def _thinking(self, block: Fields, kind: str) -> None:
        # Newer logs keep only the signature of a thought; redacted ones are sealed whole.
        text = block.text("thinking")
        extra = block.rest()
        if kind != "thinking":
            extra["type"] = kind
        self.parts.append(Thinking(text=text or "", extra=extra))

    def _call(self, block: Fields, kind: str) -> None:
        call_id, name = block.text("id"), block.text("name")
        arguments = block.raw("input")
        extra = block.rest()
        if kind != "tool_use":
            extra["type"] = kind
        self.parts.append(ToolCall(id=call_id or "", name=name or "", input=arguments, extra=extra))

    def _result(self, block: Fields, kind: str, path: tuple[str | int, ...]) -> None:
        call_id, is_error = block.text("tool_use_id"), block.boolean("is_error")
        references: list[Part] = []
        output = self._output(block.raw("content"), path, references, block.problems)
        extra = block.rest()
        if kind != "tool_result":
            extra["type"] = kind
        self.parts.append(ToolResult(call_id=call_id or "", output=output, is_error=bool(is_error), extra=extra))
        self.parts.extend(references)
        if isinstance(output, str) and (saved := _SAVED.search(output)):
            self.add_saved(saved[1].strip())

    def _output(self, content: Any, path: tuple[str | int, ...], references: list[Part], problems: Problems) -> Any:
        if not isinstance(content, list):
            return content
        items: list[Any] = []
        for number, item in enumerate(content):
            if isinstance(item, dict) and item.get("type") in ("image", "document"):
                fields = Fields(item, problems, f"content {number + 1}")
                reference = self._reference(fields, str(item["type"]), (*path, "content", number))
                if reference is not None:
                    references.append(reference)
                    source = {key: value for key, value in item["source"].items() if key != "data"}
                    # The bytes are an attachment now.
                    items.append({**item, "source": {**source, "attachment": reference.attachment_id}})
                    continue
            items.append(item)
        if len(items) == 1 and isinstance(items[0], dict) and items[0].keys() == {"type", "text"}:
            return items[0]["text"]
        return items or None

    def _file(self, block: Fields, kind: str, path: tuple[str | int, ...]) -> None:
        reference = self._reference(block, kind, path)
        if reference is None:
            block.ignore("source")
            data = {"source": block.raw("source"), **block.rest()}
            self.parts.append(RawPart(kind=kind, data=data))
        else:
            self.parts.append(reference)

    def _reference(self, block: Fields, kind: str, path: tuple[str | int, ...]) -> AttachmentRef | None:
        """A picture or document given inline; None if the block does not hold bytes."""
        source = block.raw("source")
        if not isinstance(source, dict) or source.get("type") != "base64" or not isinstance(source.get("data"), str):
            return None
        media = source.get("media_type")
        media_type = media if isinstance(media, str) else None
        name = block.text("title") or f"{kind}{_SUFFIXES.get(media_type or '', '')}"
        source_id = f"{self._line_id}/{'/'.join(str(key) for key in path[2:])}"
        size = _base64_size(source["data"])
        if size is None:
            block.problems.add("source data", "not base64")
        whole = None if size is None else partial(self._place.base64_at, (*path, "source", "data"))
        self._files[source_id] = SourceAttachment(
            source_id=source_id, name=last_segment(name) or kind, media_type=media_type, open=whole, size_bytes=size
        )
        extra = block.rest()
        return AttachmentRef(attachment_id=source_id, name=name, media_type=media_type, extra=extra)

    def add_saved(self, path: str) -> None:
        """Append the file that a long output was moved to; it counts as missing outside the session's own folder."""
        name = last_segment(path)
        member = self._results.get(name)
        source_id = f"tool-results/{name}"
        if not name or any(isinstance(part, AttachmentRef) and part.attachment_id == source_id for part in self.parts):
            return
        self._files[source_id] = SourceAttachment(
            source_id=source_id,
            name=name,
            media_type="text/plain",
            open=None if member is None else member.open,
            size_bytes=None if member is None else member.size_bytes,
        )
        self.parts.append(AttachmentRef(attachment_id=source_id, name=name, media_type="text/plain"))


def _base64_size(data: str) -> int | None:
    try:
        size = len(binascii.a2b_base64(data))
    except ValueError:
        return None
    # What is not of its alphabet is skipped by the decoder, so any prose decodes to nothing.
    return size or None
