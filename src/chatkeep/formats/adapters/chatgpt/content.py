"""What a message says, by ``content_type``.

Each reader takes what it understands from the content and adds parts; what it leaves is kept by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chatkeep.formats.adapters.chatgpt.parts import Pointers, read_part
from chatkeep.formats.values import Fields
from chatkeep.model import Citation, Code, Part, RawPart, Text, Thinking, ToolCall, ToolResult


class Draft(msgspec.Struct, kw_only=True):
    """A message being put together."""

    id: str
    is_call: bool
    is_result: bool
    is_error: bool = False
    tool: str
    """Which tool is called, or gave the result; empty if the source does not say."""
    call_id: str = ""
    """For a result: the call that it answers."""
    metadata: dict[str, Any]
    pointers: Pointers
    parts: list[Part] = []
    kept: dict[str, Any] = {}
    """What of the content has no place in a part."""

    def add_result(self, output: Any, *, is_error: bool = False, extra: dict[str, Any] | None = None) -> None:
        """Add what a tool gave back."""
        result = ToolResult(
            call_id=self.call_id,
            output=output,
            name=self.tool or None,
            is_error=is_error or self.is_error,
            extra=extra or {},
        )
        self.parts.append(result)


def read_content(draft: Draft, value: Any, message: Fields) -> None:
    """Add the parts of a message's ``content``, which scripts also write as plain text or as a list of parts."""
    if isinstance(value, dict):
        content = Fields(value, message.problems, "content")
        kind = content.text("content_type")
        if kind is None:
            kind = "text" if "parts" in content or "text" in content else ""
        _READERS.get(kind, _unknown)(draft, content)
        draft.kept = content.rest()
    elif isinstance(value, str | list):
        _add_parts(draft, value if isinstance(value, list) else [value], message)
    elif value is not None:
        message.problems.add("content", "neither text nor an object")
        draft.parts.append(RawPart(kind="content", data=value))
    _address(draft)


def _add_parts(draft: Draft, values: list[Any], holder: Fields) -> None:
    for index, value in enumerate(values):
        draft.parts.extend(read_part(value, draft.pointers, holder.problems.at(f"part {index + 1}")))


def _address(draft: Draft) -> None:
    """Text that goes to a tool is the call's input, and text that comes from one its output."""
    if not (draft.is_call or draft.is_result) or any(isinstance(p, ToolCall | ToolResult) for p in draft.parts):
        return
    spoken = [part for part in draft.parts if isinstance(part, Text | Code) and not part.extra]
    others = [part for part in draft.parts if not isinstance(part, Text | Code) or part.extra]
    words = "\n\n".join(part.text for part in spoken)
    language = next((part.language for part in spoken if isinstance(part, Code) and part.language), None)
    extra = {"language": language} if language else {}
    draft.parts = []
    if draft.is_call:
        draft.parts.append(ToolCall(id=draft.id, name=draft.tool, input=_arguments(words, draft.tool), extra=extra))
    elif spoken or not others:
        draft.add_result(words, extra=extra)
    draft.parts.extend(others)


def _arguments(words: str, tool: str) -> Any:
    # A Python program may look like JSON, and is none.
    if not words.lstrip().startswith("{") or tool == "python":
        return words
    try:
        return msgspec.json.decode(words)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return words


# --- readers ---------------------------------------------------------------------------------------------------------


def _text(draft: Draft, content: Fields) -> None:
    if "parts" not in content:
        words = content.text("text")
        _add_parts(draft, [] if words is None else [words], content)
        return
    parts = content.raw("parts")
    if isinstance(parts, str | dict):
        parts = [parts]
    if isinstance(parts, list):
        _add_parts(draft, parts, content)
    elif parts is not None:
        content.problems.add("parts", "not a list")
        draft.parts.append(RawPart(kind="parts", data=parts))


def _code(draft: Draft, content: Fields) -> None:
    words = content.text("text") or ""
    language = content.text("language")
    if words or draft.is_call or draft.is_result:
        draft.parts.append(Code(text=words, language=language if language != "unknown" else None))


def _execution_output(draft: Draft, content: Fields) -> None:
    draft.add_result(content.text("text") or "")
    aggregate = draft.metadata.get("aggregate_result")
    messages = aggregate.get("messages") if isinstance(aggregate, dict) else None
    for message in messages if isinstance(messages, list) else []:
        pointer = message.get("image_url") if isinstance(message, dict) else None
        if isinstance(pointer, str) and pointer and message.get("message_type") == "image":
            # The rest of the message stays where it is, in the metadata.
            draft.parts.append(draft.pointers.pointer(pointer, Fields({}, content.problems)))


def _output_str(draft: Draft, content: Fields) -> None:
    draft.add_result(content.text("output_str") or "")


def _thoughts(draft: Draft, content: Fields) -> None:
    for index, value in enumerate(content.listing("thoughts")):
        if isinstance(value, str):
            draft.parts.append(Thinking(text=value))
            continue
        thought = Fields(value, content.problems, f"thought {index + 1}")
        if not isinstance(value, dict):
            draft.parts.append(RawPart(kind="thought", data=value))
            continue
        summary, body = thought.text("summary"), thought.text("content")
        chunks = value.get("chunks")
        pieces = chunks if isinstance(chunks, list) and all(isinstance(chunk, str) for chunk in chunks) else []
        text = body or "".join(pieces)
        if "".join(pieces) == text:
            thought.ignore("chunks")
        if value.get("finished") is True:
            thought.ignore("finished")
        kept = thought.rest()
        if text or summary or kept:
            draft.parts.append(Thinking(text=text or summary or "", summary=summary or None, extra=kept))


def _recap(draft: Draft, content: Fields) -> None:
    summary = content.text("content")
    if summary:
        draft.parts.append(Thinking(text="", summary=summary))


def _browsing_display(draft: Draft, content: Fields) -> None:
    result = content.text("result")
    summary = content.text("summary") if not result else None
    draft.add_result(result or summary or "")


def _browsing_code(draft: Draft, content: Fields) -> None:
    words = content.text("text") or ""
    draft.parts.append(ToolCall(id=draft.id, name=draft.tool or "browser", input=words))


def _quote(draft: Draft, content: Fields) -> None:
    draft.parts.append(Citation(url=content.text("url"), title=content.text("title"), text=content.text("text")))


def _webpage(draft: Draft, content: Fields) -> None:
    url, title, snippet = content.text("url"), content.text("title"), content.text("snippet")
    if url or title or snippet:
        draft.parts.append(Citation(url=url, title=title, text=snippet))
    draft.add_result(content.text("text") or "")


def _custom_instructions(draft: Draft, content: Fields) -> None:
    for key in ("user_profile", "user_instructions", "model_set_context"):
        if words := content.text(key):
            draft.parts.append(Text(text=words))


def _system_error(draft: Draft, content: Fields) -> None:
    name = content.text("name")
    draft.add_result(content.text("text") or "", is_error=True, extra={"name": name} if name else None)


def _computer_output(draft: Draft, content: Fields) -> None:
    draft.add_result(content.raw("state"))
    screenshot = content.raw("screenshot")
    if screenshot is not None:
        _add_parts(draft, [screenshot], content)


def _unknown(draft: Draft, content: Fields) -> None:
    """A kind that has not been seen: its words are shown, all else is kept as it is."""
    for key in ("parts", "text", "result"):
        value = content.raw(key)
        words = value if isinstance(value, list) else [value]
        if value is not None and all(isinstance(word, str) for word in words):
            draft.parts.extend(Text(text=word) for word in words if word)
        elif value is not None:
            draft.parts.append(RawPart(kind=key, data=value))
    kind = content.text("content_type")
    rest = content.rest()
    content.ignore(*rest)
    if rest or kind:
        draft.parts.append(RawPart(kind=kind or "content", data=rest))


_READERS: dict[str, Callable[[Draft, Fields], None]] = {
    "text": _text,
    "multimodal_text": _text,
    "code": _code,
    "execution_output": _execution_output,
    "citable_code_output": _output_str,
    "thoughts": _thoughts,
    "reasoning_recap": _recap,
    "tether_browsing_display": _browsing_display,
    "tether_browsing_code": _browsing_code,
    "tether_quote": _quote,
    "sonic_webpage": _webpage,
    "user_editable_context": _custom_instructions,
    "model_editable_context": _custom_instructions,
    "system_error": _system_error,
    "computer_output": _computer_output,
}
