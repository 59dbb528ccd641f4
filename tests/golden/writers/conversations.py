"""Invented conversations that hold every kind of part, state and trap that a writer meets."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO

import msgspec

from chatkeep.errors import BlobMissingError
from chatkeep.formats.protocol import ExportRecord
from chatkeep.model import (
    Attachment,
    AttachmentRef,
    Citation,
    Code,
    Conversation,
    Message,
    Part,
    Project,
    RawPart,
    Role,
    SourceKey,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)

START = datetime(2026, 1, 2, 10, 0, tzinfo=UTC)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffff3f0005fe02fe"
    "0def46b80000000049454e44ae426082"
)
BLOBS = {sha256(data).hexdigest(): data for data in (PIXEL, b"# Notes\n")}
PIXEL_SHA, NOTES_SHA = BLOBS


def open_blob(sha: str) -> BinaryIO:
    try:
        return io.BytesIO(BLOBS[sha])
    except KeyError:
        raise BlobMissingError(sha) from None


def message(seq: int, role: Role, *parts: Part, parent: int | None = None, **fields: Any) -> Message:
    at = START + timedelta(seconds=5 * seq)
    above = f"m{parent}" if parent else None
    return Message(
        seq=seq, role=role, parts=parts, created_at=at, id=f"m{seq}", parent_id=above, conversation_id="c", **fields
    )


def record(
    id: str,
    title: str | None,
    messages: Iterable[Message],
    *,
    attachments: tuple[Attachment, ...] = (),
    project: Project | None = None,
    **fields: Any,
) -> ExportRecord:
    return ExportRecord(
        conversation=Conversation(
            id=id,
            title=title,
            created_at=START,
            updated_at=START + timedelta(minutes=5),
            **fields,
        ),
        project=project,
        messages=[_of(item, id) for item in messages],
        attachments=attachments,
        open_blob=open_blob,
    )


def _of(item: Message, conversation_id: str) -> Message:
    """As a store has it, where no two messages have one id."""
    return msgspec.structs.replace(
        item,
        id=f"{conversation_id[-2:]}-{item.id}",
        parent_id=item.parent_id and f"{conversation_id[-2:]}-{item.parent_id}",
        conversation_id=conversation_id,
    )


def attachment(id: str, name: str, sha: str | None, media_type: str = "image/png") -> Attachment:
    size = len(BLOBS.get(sha or "", b""))
    return Attachment(id=id, name=name, media_type=media_type, size_bytes=size, sha256=sha, created_at=START)


def _tea_messages() -> list[Message]:
    return [
        message(1, "system", Text(text="You are brief."), hidden=True),
        message(
            2,
            "user",
            Text(text="Water for oolong?\n乌龙茶用什么水？"),
            AttachmentRef(attachment_id="a1", media_type="image/png"),
            parent=1,
        ),
        message(
            3,
            "assistant",
            Thinking(text="rolled leaf\nis slower"),
            ToolCall(id="call_1", name="search", input={"q": "乌龙茶"}),
            parent=2,
            model="llama3.1:8b",
            usage=Usage(input=20, output=5, cache_read=3),
        ),
        message(4, "tool", ToolResult(call_id="call_1", name="search", output={"hits": [1, 2]}), parent=3),
        message(
            5,
            "assistant",
            Text(text="3 minutes at 90 C."),
            Citation(url="https://example.org/tea.pdf", title="tea [v2].pdf", text="for 3 min"),
            Code(text="print(90)", language="python"),
            Citation(url="javascript:alert(1)", title="trap"),
            RawPart(kind="widget", data={"color": "green"}),
            parent=4,
            model="llama3.1:8b",
        ),
        message(
            6,
            "user",
            AttachmentRef(attachment_id="a2", media_type="text/markdown"),
            AttachmentRef(attachment_id="a3", name="lost.pdf"),
            parent=5,
        ),
    ]


def tea() -> ExportRecord:
    """Attachments, thinking, tools, citations, Chinese text."""
    return record(
        "7d1e0000-0000-4000-8000-000000000001",
        'Tea: 泡茶的水 "90°C"',
        _tea_messages(),
        attachments=(
            attachment("a1", "../../pot.png", PIXEL_SHA),
            attachment("a2", "notes.md", NOTES_SHA, "text/markdown"),
            attachment("a3", "lost.pdf", None, "application/pdf"),
        ),
        project=Project(id="p1", name="Kitchen: #1", created_at=START, updated_at=START),
        models=("llama3.1:8b",),
        tags=("chat", "kitchen"),
        pinned=True,
        source=SourceKey("open-webui", "", "abc"),
    )


def branches() -> ExportRecord:
    """A branch that was left, parallel replies, and replies that did not end well."""
    return record(
        "7d1e0000-0000-4000-8000-000000000002",
        "../../etc/passwd\u202e",
        [
            message(1, "user", Text(text="Name a river.")),
            message(2, "assistant", Text(text="Rhine"), parent=1, model="a", reply_set="r", selected=False),
            message(3, "assistant", Text(text="Nile"), parent=1, model="b", reply_set="r", reply_index=1),
            message(4, "user", Text(text="Older question"), parent=2),
            message(5, "user", Text(text="And a lake?"), parent=3),
            message(6, "assistant", Text(text="Bai"), parent=5, status="interrupted"),
            message(7, "error", Text(text="rate limit"), parent=6, status="failed"),
        ],
        head_id="02-m7",
    )


def traps() -> ExportRecord:
    """Text that looks like the frame around it, or would swallow what comes after it."""
    return record(
        "7d1e0000-0000-4000-8000-000000000003",
        "con",
        [
            message(1, "user", Text(text="---\n## User\n\\## Assistant (x)\n```python\n## Tool\nnever closed")),
            message(
                2, "assistant", Text(text="<!-- open\n\n<script>\nfoo[^1]\n\n[^1]: mine"), Citation(title="t"), parent=1
            ),
            message(3, "user", Code(text="a ``` b", language="x\n## User"), parent=2),
            message(4, "assistant", ToolCall(id="q", name="run\n## User", input="{broken"), parent=3),
            message(5, "tool", ToolResult(call_id="q", output="````\n## User", is_error=True), parent=4),
            message(6, "tool", ToolResult(call_id="unknown", output="stray"), parent=5),
            message(7, "assistant", Text(text=""), parent=6),
        ],
    )


def empty() -> ExportRecord:
    return record("7d1e0000-0000-4000-8000-000000000004", None, [])


def twin() -> ExportRecord:
    """Named as another one, but for letter case."""
    return record("7d1e0000-0000-4000-8000-000000000005", "UNTITLED", [message(1, "user", Text(text="hi"))])


def everything() -> list[ExportRecord]:
    return [tea(), branches(), traps(), empty(), twin()]
