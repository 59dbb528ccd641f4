"""A Claude Design chat: a flat list of messages whose replies are blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatkeep.formats.adapters.claude.files import Files, message_files
from chatkeep.formats.protocol import SourceConversation, SourceMessage, SourceProject
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Part, RawPart, Role, Text, Thinking, ToolCall, ToolResult

_ROLES: dict[str, Role] = {"user": "user", "human": "user", "assistant": "assistant", "system": "system"}


def design_chat(data: dict[str, Any], *, fallback_id: str, problems: Problems) -> SourceConversation:
    """Map one chat; ``fallback_id`` is for one that has lost its own."""
    fields = Fields(data, problems)
    uuid = fields.text("uuid")
    if not uuid:
        problems.add("uuid", "missing: this is another chat as soon as anything in it changes")
        uuid = fallback_id
    files = Files()
    messages: list[SourceMessage] = []
    seen: set[str] = set()
    for number, item in enumerate(fields.listing("messages"), start=1):
        below = Fields(item, problems, f"message {number}")
        parent = messages[-1].source_id if messages else None
        messages.append(_message(below, _new_id(below, number, seen), parent, files))
    below = fields.fields("project")
    project_id = below.text("uuid")
    return SourceConversation(
        source_id=uuid,
        scope=uuid,
        title=fields.text("title") or None,
        project=SourceProject(source_id=project_id, name=below.text("name") or "") if project_id else None,
        created_at=fields.time_from_iso("created_at"),
        updated_at=fields.time_from_iso("updated_at"),
        head_id=messages[-1].source_id if messages else None,
        messages=tuple(messages),
        attachments=files.all(),
        extra=fields.rest(),
        problems=problems.found(),
    )


def _new_id(fields: Fields, number: int, seen: set[str]) -> str:
    found = fields.text("uuid") or f"message-{number}"
    message_id = found if found not in seen else f"{found}#{number}"
    if message_id != found:
        fields.problems.add("uuid", "another message of this chat has it too")
    seen.add(message_id)
    return message_id


def _message(fields: Fields, message_id: str, parent: str | None, files: Files) -> SourceMessage:
    content = fields.raw("content")
    body = Fields(content if isinstance(content, dict) else {"content": content}, fields.problems, "content")
    role = _ROLES.get(fields.text("role") or body.text("role") or "")
    if role is None:
        role = "system"
        fields.problems.add("role", "neither user nor assistant")
    body.ignore("id", "role")
    created = fields.time_from_iso("created_at") or body.time_from_iso("timestamp")
    body.ignore("timestamp")
    parts = [*_parts(body), *message_files(body, message_id, files)]
    # Who wrote is a person's name and account: not kept.
    body.ignore("authorName", "authorAccountUuid")
    extra = fields.rest()
    if more := body.rest():
        extra["content"] = more
    return SourceMessage(
        source_id=message_id,
        parent_id=parent,
        role=role,
        parts=tuple(parts),
        created_at=created,
        hidden=not parts,
        extra=extra,
    )


def _parts(body: Fields) -> list[Part]:
    parts: list[Part] = []
    for number, item in enumerate(body.listing("contentBlocks"), start=1):
        block = Fields(item, body.problems, f"contentBlocks {number}")
        kind = block.text("type") or ""
        reader = _READERS.get(kind)
        if reader is None:
            parts.append(RawPart(kind=kind or "block", data=item))
        else:
            parts.extend(reader(block))
    text = body.text("content")
    if text and not any(isinstance(part, Text) for part in parts):
        # The flattened text repeats the blocks, when there are any.
        parts.append(Text(text=text))
    return parts


def _text(block: Fields) -> list[Part]:
    text = block.text("text")
    return [Text(text=text or "", extra=block.rest())]


def _thinking(block: Fields) -> list[Part]:
    text = block.text("thinking") or block.text("text")
    return [Thinking(text=text or "", extra=block.rest())]


def _tool_call(block: Fields) -> list[Part]:
    call = block.fields("toolCall")
    call_id = call.text("id") or ""
    name = call.text("name") or ""
    arguments, output = call.raw("input"), call.raw("output")
    extra = block.rest()
    parts: list[Part] = [ToolCall(id=call_id, name=name, input=arguments, extra={**extra, **call.rest()})]
    if output is not None:
        parts.append(ToolResult(call_id=call_id, output=output, name=name))
    return parts


def _interjection(block: Fields) -> list[Part]:
    # Typed by the user while the reply was being made, and part of it here.
    message = block.text("message")
    return [Text(text=message or "", extra={"type": "user_interjection", **block.rest()})]


def _error(block: Fields) -> list[Part]:
    message = block.text("message")
    return [RawPart(kind="error", data={"message": message, **block.rest()})]


_READERS: dict[str, Callable[[Fields], list[Part]]] = {
    "text": _text,
    "thinking": _thinking,
    "tool_call": _tool_call,
    "user_interjection": _interjection,
    "error": _error,
}
