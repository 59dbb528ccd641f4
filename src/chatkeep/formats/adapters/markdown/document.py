"""One conversation as a Markdown document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from chatkeep.formats.adapters.markdown.enclosing import body, fenced
from chatkeep.formats.adapters.markdown.escaping import (
    LABELS,
    callout,
    inline_code,
    json_text,
    one_line,
    plain,
    yaml_text,
)
from chatkeep.formats.threads import Thread, shown_thread
from chatkeep.model import (
    AttachmentRef,
    Citation,
    Code,
    Conversation,
    Message,
    Part,
    Project,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    to_iso,
)

_INLINE_INPUT = 120


class Document:
    """Renders one conversation; ``left_out`` then says what it could not show."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """``files`` gives the path, relative to the document, of each attachment that was written, by its id."""
        self._files = files
        self._notes = 0
        self._note_mark = ""
        self.left_out: Counter[str] = Counter()
        self.messages = 0

    def text(self, conversation: Conversation, project: Project | None, messages: list[Message]) -> str:
        """The whole document."""
        thread = shown_thread(messages, conversation.head_id)
        if any("[^" in message.text for message in messages):
            # Their own footnotes must not be taken for ours.
            self._note_mark = "c"
        sections = list(self._sections(thread))
        if thread.elsewhere:
            self.left_out["messages of other branches"] += thread.elsewhere
        head = "\n".join(_front_matter(conversation, project, self.messages, thread.leaves))
        return "\n\n".join([head, *sections]) + "\n"

    def _sections(self, thread: Thread) -> Iterator[str]:
        for message in thread.messages:
            others = thread.parallel.get(message.id, ())
            for reply in (message, *others):
                if reply.hidden:
                    self.left_out["hidden messages"] += 1
                    continue
                self.messages += 1
                yield self._section(reply, chosen=reply is message, of=len(others) + 1)

    def _section(self, message: Message, *, chosen: bool, of: int) -> str:
        note = "" if chosen else "another reply"
        about = "; ".join(filter(None, (one_line(message.model or "", 100), note)))
        heading = f"## {LABELS[message.role]}" + (f" ({about})" if about else "")
        pieces = [f"{heading}\n{_comment(message, of=of)}"]
        notes: list[str] = []
        marks_alone = -1
        for part in message.parts:
            if isinstance(part, Citation):
                mark = self._cite(part, notes)
                # It belongs to the words before it; on the line of a fence or in a box it would be lost.
                if marks_alone == len(pieces) or (len(pieces) > 1 and pieces[-1].splitlines()[-1][:1].isalnum()):
                    pieces[-1] += mark
                else:
                    pieces.append(mark)
                    marks_alone = len(pieces)
            elif piece := self._part(part):
                pieces.append(piece)
        if message.status != "complete":
            pieces.append(f"> [!warning] {message.status.capitalize()}")
        if notes:
            pieces.append("\n".join(notes))
        return "\n\n".join(pieces)

    def _part(self, part: Part) -> str:
        match part:
            case Text():
                return body(part.text)
            case Thinking():
                return callout("thinking", one_line(part.summary or "Thinking"), part.text)
            case ToolCall():
                return _tool_call(part)
            case ToolResult():
                heading = f"{one_line(part.name or 'Result')}{' (failed)' if part.is_error else ''}"
                output = part.output
                return callout("result", heading, fenced(output if isinstance(output, str) else json_text(output)))
            case AttachmentRef():
                return self._attachment(part)
            case Code():
                return fenced(part.text, part.language or "")
            case Citation():
                return ""
        return callout("raw", one_line(part.kind), fenced(json_text(part.data), "json"))

    def _attachment(self, part: AttachmentRef) -> str:
        path = self._files.get(part.attachment_id or "")
        if path is None:
            return f"> [!missing] {inline_code(part.name or 'attachment')}"
        is_image = (part.media_type or "").startswith("image/")
        return f"{'!' if is_image else ''}[[{path}]]"

    def _cite(self, part: Citation, notes: list[str]) -> str:
        self._notes += 1
        mark = f"[^{self._note_mark}{self._notes}]"
        text = f" “{one_line(part.text, 300)}”" if part.text else ""
        notes.append(f"{mark}: {_link(part)}{text}")
        return mark


def _link(part: Citation) -> str:
    label = one_line(part.title or part.url or "source").replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    if part.url is None:
        return label
    if not part.url.lower().startswith(("https://", "http://")):
        # A link that runs something, or opens a local file, is shown and not made.
        return f"{label} {inline_code(part.url)}"
    address = "".join(char for char in part.url if char.isprintable() and char not in ' <>\\"')
    return f"[{label}](<{address}>)"


def _tool_call(part: ToolCall) -> str:
    called = one_line(part.name)
    if isinstance(part.input, str):
        return callout("tool", called, fenced(part.input))
    shown = json.dumps(part.input, ensure_ascii=False, separators=(",", ":"), default=str)
    if part.input is None or (len(shown) <= _INLINE_INPUT and shown.isprintable()):
        return callout("tool", f"{called}({'' if part.input is None else shown})", "")
    return callout("tool", called, fenced(json_text(part.input), "json"))


def _comment(message: Message, *, of: int) -> str:
    facts = [f"id: {plain(message.id)}"]
    if message.parent_id is not None:
        facts.append(f"parent: {plain(message.parent_id)}")
    facts.append(f"time: {to_iso(message.created_at)}")
    if message.usage is not None:
        usage = message.usage
        facts.append(f"tokens: {usage.input + usage.cache_read + usage.cache_write}/{usage.output}")
    if of > 1:
        facts.append(f"reply: {message.reply_index + 1}/{of}")
    if message.status != "complete":
        facts.append(f"status: {message.status}")
    return f"<!-- {' '.join(facts)} -->"


def _front_matter(conversation: Conversation, project: Project | None, messages: int, leaves: int) -> Iterator[str]:
    yield "---"
    yield f"title: {yaml_text(conversation.title or 'Untitled')}"
    yield f"id: {yaml_text(conversation.id)}"
    if conversation.source is not None:
        yield f"source: {yaml_text(conversation.source.format)}"
        yield f"source_id: {yaml_text(conversation.source.source_id)}"
    yield f"created: {to_iso(conversation.created_at)}"
    yield f"updated: {to_iso(conversation.updated_at)}"
    if project is not None:
        yield f"project: {yaml_text(project.name)}"
    yield f"models: [{', '.join(map(yaml_text, conversation.models))}]"
    yield f"tags: [{', '.join(map(yaml_text, conversation.tags))}]"
    for flag in ("pinned", "archived"):
        if getattr(conversation, flag):
            yield f"{flag}: true"
    yield f"messages: {messages}"
    yield f"branches: {leaves}"
    yield "---"
