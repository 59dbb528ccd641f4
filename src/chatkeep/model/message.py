"""A message: one node of a conversation's tree, made of typed parts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from chatkeep.model.source import SourceKey

Role = Literal["system", "user", "assistant", "tool", "error"]
Status = Literal["complete", "streaming", "interrupted", "failed"]

ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool", "error")


# Values hold no cycles, so the collector need not walk them: a long conversation is read in two thirds of the time.
class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    extra: dict[str, Any] = {}
    """What the source says of this part beyond the fields here."""


class Text(_Part, frozen=True, tag="text"):
    """Text as the speaker meant it to be read, usually Markdown."""

    text: str


class Thinking(_Part, frozen=True, tag="thinking"):
    """A model's reasoning, shown folded."""

    text: str
    summary: str | None = None


class ToolCall(_Part, frozen=True, tag="tool_call"):
    """A model's request to run a tool."""

    id: str
    name: str
    input: Any = None
    """Any JSON value; a string when the source's arguments are not valid JSON."""


class ToolResult(_Part, frozen=True, tag="tool_result"):
    """What a tool gave back; ``call_id`` is empty when the source does not say which call it answers."""

    call_id: str
    output: Any = None
    """Text, or any JSON value."""
    name: str | None = None
    is_error: bool = False


class AttachmentRef(_Part, frozen=True, tag="attachment"):
    """A file in the message; ``attachment_id`` is None while its bytes were never found."""

    attachment_id: str | None = None
    name: str | None = None
    media_type: str | None = None


class Citation(_Part, frozen=True, tag="citation"):
    """A source that the text before it rests on."""

    url: str | None = None
    title: str | None = None
    text: str | None = None


class Code(_Part, frozen=True, tag="code"):
    """Code that is not a tool call."""

    text: str
    language: str | None = None


class RawPart(_Part, frozen=True, tag="raw"):
    """A part of a kind that Chatkeep does not know, kept as found."""

    kind: str
    data: Any = None


Part = Text | Thinking | ToolCall | ToolResult | AttachmentRef | Citation | Code | RawPart


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Tokens in four classes that do not overlap; ``reasoning`` is a part of ``output``."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Every token once."""
        return self.input + self.output + self.cache_read + self.cache_write


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One message as the store keeps it.

    ``seq`` is its place in the order of arrival within its conversation, from 1; a parent's is below its child's.
    ``parent_id`` is None at a root. Messages of one parent with one ``reply_set`` are parallel replies of several
    models to one prompt, at ``reply_index``; ``selected`` names the one that the conversation goes on from.
    ``hidden`` messages are part of the record but not of what a person reads.
    """

    seq: int = 0
    parent_id: str | None = None
    id: str
    conversation_id: str
    role: Role
    parts: tuple[Part, ...] = ()
    created_at: datetime
    completed_at: datetime | None = None
    model: str | None = None
    provider: str | None = None
    status: Status = "complete"
    hidden: bool = False
    reply_set: str | None = None
    reply_index: int = 0
    selected: bool = True
    rating: int | None = None
    usage: Usage | None = None
    cost_nanos: int | None = None
    """Nano-dollars; None means unknown, which is not zero."""
    priced_by: str | None = None
    """Who computed the cost and from which price table, e.g. ``source``."""
    source: SourceKey | None = None
    extra: dict[str, Any] = {}
    """By format name: what the source says beyond the fields here."""

    @property
    def source_id(self) -> str | None:
        """Its id in the app that it was imported from; None for what was born here."""
        return None if self.source is None else self.source.source_id

    @property
    def text(self) -> str:
        """The readable text: text and code parts, joined by blank lines."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, Text | Code))
