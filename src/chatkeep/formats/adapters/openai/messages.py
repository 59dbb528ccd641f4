"""One conversation's shown thread as OpenAI's messages; what has no place there is counted."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any, Literal

from chatkeep.errors import BlobMissingError
from chatkeep.formats.protocol import ExportRecord
from chatkeep.formats.threads import shown_thread
from chatkeep.model import (
    Attachment,
    AttachmentRef,
    Citation,
    Code,
    Message,
    RawPart,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

Images = Literal["leave-out", "data-url"]

_IMAGE_LIMIT = 20 * 1024 * 1024
# What the interface takes.
_IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_LEFT_OUT = {Thinking: "thinking parts", Citation: "citations", RawPart: "parts of unknown kind"}


class Thread:
    """Makes the messages of one conversation and counts what is left out on the way."""

    def __init__(self, record: ExportRecord, *, images: Images) -> None:
        self._record = record
        self._images = images
        self._known: dict[str, Attachment] = {attachment.id: attachment for attachment in record.attachments}
        self._asked: set[str] = set()
        self.left_out: Counter[str] = Counter()
        self.attachments = 0
        self.missing = 0

    def messages(self) -> list[dict[str, Any]]:
        """All messages of the shown thread, tool results as messages of their own."""
        thread = shown_thread(list(self._record.messages), self._record.conversation.head_id)
        self._count("messages of other branches", thread.elsewhere)
        self._count("parallel replies", sum(len(others) for others in thread.parallel.values()))
        found: list[dict[str, Any]] = []
        for message in thread.messages:
            if message.hidden:
                self._count("hidden messages", 1)
            elif message.role == "error":
                self._count("error messages", 1)
            else:
                found += self._lines(message)
        return found

    def _count(self, kind: str, count: int) -> None:
        if count:
            self.left_out[kind] += count

    def _lines(self, message: Message) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        content: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        for part in message.parts:
            match part:
                case Text() | Code() if not part.text:
                    pass
                case Text() | Code() if message.role != "tool":
                    content.append({"type": "text", "text": _written(part)})
                case ToolCall() if message.role == "assistant":
                    calls.append(_call(part))
                    self._asked.add(part.id)
                case ToolResult():
                    # Calls must come before their results, and text after results belongs to a later message.
                    lines += _spoken(message, content, calls)
                    content, calls = [], []
                    lines += self._result(part)
                case AttachmentRef():
                    content += self._image(part, message)
                case _:
                    self._count(_LEFT_OUT.get(type(part), "tool parts without their place"), 1)
        return lines + _spoken(message, content, calls)

    def _result(self, part: ToolResult) -> list[dict[str, Any]]:
        if part.call_id not in self._asked:
            self._count("tool results without a call", 1)
            return []
        output = part.output if isinstance(part.output, str) else _json(part.output)
        return [{"role": "tool", "tool_call_id": part.call_id, "content": output}]

    def _image(self, part: AttachmentRef, message: Message) -> list[dict[str, Any]]:
        known = self._known.get(part.attachment_id or "")
        media_type = part.media_type or (known.media_type if known else "")
        if self._images == "leave-out" or message.role != "user" or media_type not in _IMAGE_TYPES:
            self._count("attachments", 1)
            return []
        data = None if known is None else self._bytes(known)
        if data is None:
            self.missing += 1
            return []
        if len(data) > _IMAGE_LIMIT:
            self._count("images larger than 20 MiB", 1)
            return []
        self.attachments += 1
        url = f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
        return [{"type": "image_url", "image_url": {"url": url}}]

    def _bytes(self, attachment: Attachment) -> bytes | None:
        if attachment.sha256 is None:
            return None
        try:
            with self._record.open_blob(attachment.sha256) as stream:
                return stream.read(_IMAGE_LIMIT + 1)
        except BlobMissingError:
            return None


def _spoken(message: Message, content: list[dict[str, Any]], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The message with these contents; none if it would be empty."""
    if not content and not calls:
        return []
    line: dict[str, Any] = {"role": message.role}
    if any(piece["type"] != "text" for piece in content):
        line["content"] = content
    else:
        line["content"] = "\n\n".join(piece["text"] for piece in content) if content else None
    if calls:
        line["tool_calls"] = calls
    return [line]


def _call(part: ToolCall) -> dict[str, Any]:
    arguments = part.input if isinstance(part.input, str) else _json({} if part.input is None else part.input)
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": arguments}}


def _written(part: Text | Code) -> str:
    if isinstance(part, Text):
        return part.text
    marks = "```"
    while marks in part.text:
        marks += "`"
    return f"{marks}{part.language or ''}\n{part.text}\n{marks}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
