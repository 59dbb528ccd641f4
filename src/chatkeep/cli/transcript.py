"""A conversation as people read it, in blocks: a heading, then each message's parts.

Blocks are cleaned text; how they look is decided by whoever prints them, see :func:`plain` and
:mod:`chatkeep.cli.transcript_drawing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from chatkeep.cli.moments import local
from chatkeep.cli.terminal import clean, clean_line, counted, shortened
from chatkeep.model import (
    AttachmentRef,
    Citation,
    Code,
    Conversation,
    Message,
    Part,
    RawPart,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    to_dollars,
)

Kind = Literal["title", "facts", "role", "markdown", "code", "aside", "folded"]

# Folded parts show so much; --full shows all.
FOLDED_LINES = 6
FOLDED_CELLS = 160


class Block(msgspec.Struct, frozen=True):
    """A piece of the page. ``note`` is the role of a ``role`` block and the language of a ``code`` block."""

    kind: Kind
    text: str
    note: str = ""


def heading(conversation: Conversation, project: str | None, *, branches: int) -> Iterator[Block]:
    """The blocks above the first message."""
    yield Block("title", clean_line(conversation.title or conversation.preview or "(no title)"))
    facts = [
        conversation.id,
        f"{local(conversation.created_at)} to {local(conversation.updated_at)}",
        counted(conversation.message_count, "message"),
    ]
    facts += [f"from {conversation.source.format}"] if conversation.source else []
    facts += [f"in {project}"] if project else []
    facts += [", ".join(conversation.models)] if conversation.models else []
    facts += [" ".join(f"#{tag}" for tag in conversation.tags)] if conversation.tags else []
    facts += [f"${to_dollars(conversation.cost_nanos):.2f}"] if conversation.cost_nanos is not None else []
    facts += ["pinned"] if conversation.pinned else []
    facts += ["archived"] if conversation.archived else []
    facts += ["in the trash"] if conversation.trashed_at else []
    facts += [f"{branches} branches: see `chatkeep branch list`"] if branches > 1 else []
    yield Block("facts", "\n".join(clean_line(fact) for fact in facts))


def message_blocks(messages: Iterable[Message], *, full: bool, hidden: bool) -> Iterator[Block]:
    """The blocks of messages, in their order; ``hidden`` ones only if asked for."""
    passed = shown = 0
    for message in messages:
        if message.hidden and not hidden:
            passed += 1
            continue
        shown += 1
        words = [message.role, message.model or "", local(message.created_at)]
        words += ["" if message.status == "complete" else message.status, "hidden" if message.hidden else ""]
        yield Block("role", clean_line("  ".join(word for word in words if word)), message.role)
        for part in message.parts:
            yield from _part(part, full=full)
    if not shown:
        yield Block("aside", f"{counted(passed, 'hidden message')}: --full shows them" if passed else "no messages")


def _part(part: Part, *, full: bool) -> Iterator[Block]:
    match part:
        case Text():
            yield Block("markdown", clean(part.text))
        case Code():
            yield Block("code", clean(part.text), clean_line(part.language or ""))
        case Thinking():
            yield _folded("thinking", part.text, full=full)
        case ToolCall():
            yield _folded(f"calls {part.name}", _value_text(part.input), full=full)
        case ToolResult():
            failed = " failed" if part.is_error else ""
            yield _folded(f"{part.name or 'tool'}{failed} gave", _value_text(part.output), full=full)
        case AttachmentRef():
            missing = "" if part.attachment_id else ", not here"
            yield Block("aside", clean_line(f"[{part.name or 'file'} ({part.media_type or 'unknown type'}{missing})]"))
        case Citation():
            yield Block("aside", clean_line(f"[source: {' '.join(filter(None, (part.title, part.url)))}]"))
        case RawPart():
            yield _folded(part.kind, _value_text(part.data), full=full)


def _value_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _folded(label: str, text: str, *, full: bool) -> Block:
    label = shortened(clean_line(label), FOLDED_CELLS)
    lines = clean(text).strip("\n").split("\n")
    if not full:
        more = len(lines) - FOLDED_LINES
        lines = [shortened(line, FOLDED_CELLS) for line in lines[:FOLDED_LINES]]
        lines += [f"… {counted(more, 'more line')}"] if more > 0 else []
    if lines == [""]:
        return Block("folded", label)
    if len(lines) == 1:
        return Block("folded", f"{label}: {lines[0]}")
    return Block("folded", f"{label}:\n" + "\n".join(f"  {line}" for line in lines))


def plain(blocks: Iterable[Block]) -> Iterator[str]:
    """The page as plain text, piece by piece."""
    for block in blocks:
        match block.kind:
            case "title":
                yield f"# {block.text}\n\n"
            case "facts":
                yield f"{block.text}\n\n"
            case "role":
                yield f"## {block.text}\n\n"
            case "folded":
                yield "".join(f"> {line}\n" for line in block.text.split("\n")) + "\n"
            case "code":
                fence = _fence(block.text)
                yield f"{fence}{block.note}\n{block.text}\n{fence}\n\n"
            case _:
                yield f"{block.text}\n\n"


def _fence(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return fence
