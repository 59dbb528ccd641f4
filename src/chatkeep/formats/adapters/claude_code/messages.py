"""One line of a log, as a message in the making."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from chatkeep.formats.adapters.claude_code.content import Content, Place
from chatkeep.formats.adapters.claude_code.drafts import Draft
from chatkeep.formats.adapters.claude_code.prompts import Kind, said
from chatkeep.formats.adapters.claude_code.usage import cost_of, usage_of
from chatkeep.formats.protocol import Member, SourceAttachment
from chatkeep.formats.values import Fields
from chatkeep.model import Part, RawPart, Text, ToolCall, ToolResult

_NUMBERED = re.compile(r"^ *\d+[\t→]", re.MULTILINE)
# System lines that a reader wants to see; the others are bookkeeping.
_TOLD = {
    "compact_boundary",
    "local_command",
    "api_error",
    "error",
    "api_refusal",
    "model_refusal_fallback",
    "informational",
    "away_summary",
}
_ERRORS = {"api_error", "error"}
_ENVELOPE = (
    "cwd",
    "gitBranch",
    "version",
    "userType",
    "entrypoint",
    "slug",
    "sessionKind",
    "agentId",
    "permissionMode",
    "attributionAgent",
    "effort",
)
# No session is continued this often.
_MANY = 100
# False says what is so anyway.
_USUALLY_FALSE = ("isSidechain", "isMeta", "isApiErrorMessage", "isVisibleInTranscriptOnly", "isCompactSummary")


class Line(NamedTuple):
    """A line that is a node of the tree, opened for reading."""

    data: dict[str, Any]
    fields: Fields
    id: str
    number: int
    place: Place
    kind: str


class MessageReader:
    """Turns lines into drafts; files that they hold go to ``files``."""

    def __init__(self, results: dict[str, Member]) -> None:
        self.files: dict[str, SourceAttachment] = {}
        self.header: dict[str, str] = {}
        """What the first line that says it says of where and with what the session ran."""
        self.session_ids: dict[str, None] = {}
        """All that lines name, in order."""
        self._current: dict[str, str] = {}
        self._results = results
        self._readers: dict[str, Callable[[Line, Draft], None]] = {
            "user": self._user,
            "assistant": self._assistant,
            "system": self._system,
            "attachment": self._attachment,
            "tool_use": self._tool_use,
            "tool_result": self._tool_result,
        }

    def draft(self, line: Line) -> Draft:
        """The message that a line makes; what has no field is in its ``extra``."""
        fields = line.fields
        parent = fields.raw("parentUuid")
        logical = fields.raw("logicalParentUuid")
        says_parent = "parentUuid" in fields
        if parent is not None and not isinstance(parent, str):
            fields.problems.add("parentUuid", "not an id")
            parent, says_parent = None, False
        is_side = fields.boolean("isSidechain") is True
        fields.ignore("type", "uuid", *(key for key in _USUALLY_FALSE if line.data.get(key) is False))
        draft = Draft(
            id=line.id,
            line=line.number,
            role="system",
            lane="side" if is_side else "main",
            log_parent=parent,
            says_parent=says_parent,
            logical_parent=logical if isinstance(logical, str) else None,
            created_at=fields.time_from_iso("timestamp"),
            parts=[],
            extra={"logicalParentUuid": logical} if logical else {},
        )
        self._origin(line, draft)
        self._readers.get(line.kind, self._other)(line, draft)
        if is_side:
            draft.extra["isSidechain"] = True
        self._envelope(line)
        draft.extra.update(fields.rest())
        return draft

    def _envelope(self, line: Line) -> None:
        """Most lines repeat where they were written; a message keeps what differs from the line before."""
        for key in _ENVELOPE:
            value = line.data.get(key)
            if not isinstance(value, str) or self._current.get(key) == value:
                if isinstance(value, str | None):
                    line.fields.ignore(key)
            elif key not in self._current:
                self.header[key] = self._current[key] = value
                line.fields.ignore(key)
            else:
                self._current[key] = value
        for key in ("sessionId", "session_id"):
            value = line.data.get(key)
            if isinstance(value, str):
                line.fields.ignore(key)
                if len(self.session_ids) < _MANY:
                    self.session_ids[value] = None

    def _origin(self, line: Line, draft: Draft) -> None:
        """Which message of another session this one is a copy of; a copy that kept its id needs no note."""
        origin = line.fields.raw("forkedFrom")
        if isinstance(origin, dict) and origin.get("messageUuid") == line.id:
            parent = origin.get("sessionId")
            if isinstance(parent, str) and len(self.session_ids) < _MANY:
                self.session_ids[parent] = None
        elif origin:
            draft.extra["forkedFrom"] = origin

    def _content(self, line: Line, content: Any, path: tuple[str | int, ...]) -> Content:
        blocks = Content(line.id, line.place, self.files, self._results)
        problems = line.fields.problems
        if isinstance(content, str):
            blocks.parts.append(Text(text=content))
        elif isinstance(content, list):
            for number, block in enumerate(content):
                blocks.add(block, (*path, number), problems.at(f"content {number + 1}"))
        elif content is not None:
            problems.add("content", "neither text nor a list of blocks")
            blocks.parts.append(RawPart(kind="content", data=content))
        return blocks

    def _message(self, line: Line) -> tuple[Fields, Content]:
        if isinstance(line.data.get("message"), str):
            line.fields.problems.add("message", "text where an object belongs")
            return Fields({}, line.fields.problems), self._content(line, line.fields.raw("message"), ("message",))
        message = line.fields.fields("message")
        return message, self._content(line, message.raw("content"), ("message", "content"))

    def _user(self, line: Line, draft: Draft) -> None:
        message, blocks = self._message(line)
        self._tool_use_result(line, blocks, draft)
        kinds: list[Kind] = []
        parts: list[Part] = []
        for part in blocks.parts:
            if isinstance(part, Text) and not part.extra:
                found = said(part.text)
                kinds.append(found.kind)
                parts.extend(found.parts)
            else:
                parts.append(part)
        draft.parts = parts
        message.ignore("role")
        _keep(draft, "message", message.rest())
        _set_speaker(line.data, draft, kinds)

    def _tool_use_result(self, line: Line, blocks: Content, draft: Draft) -> None:
        """Leave out of the structured twin of a tool's result what the result says already."""
        result = line.fields.raw("toolUseResult")
        outputs = [part.output for part in blocks.parts if isinstance(part, ToolResult)]
        if isinstance(result, dict):
            _keep(draft, "toolUseResult", _without_repeats(result, outputs, has_files=len(blocks.parts) > len(outputs)))
            saved = result.get("persistedOutputPath")
            if isinstance(saved, str):
                blocks.add_saved(saved)
        elif result and not _is_repeat(result, outputs, line.data):
            draft.extra["toolUseResult"] = result

    def _assistant(self, line: Line, draft: Draft) -> None:
        message, blocks = self._message(line)
        draft.role, draft.parts = "assistant", blocks.parts
        model = message.text("model")
        if model == "<synthetic>":
            # Written by the program in the model's place.
            draft.extra["model"] = model
        elif model:
            draft.model, draft.provider = model, "anthropic"
        draft.usage, more = usage_of(message)
        _keep(draft, "usage", more)
        draft.cost_nanos = cost_of(line.fields)
        if "forkedFrom" in draft.extra:
            # A copy under an id of its own: the original was paid for, this was not.
            draft.extra["usage"] = line.data["message"].get("usage") if draft.usage else more
            draft.usage = draft.cost_nanos = None
        message.ignore("type", "role")
        _keep(draft, "message", message.rest())
        if line.data.get("isApiErrorMessage") is True:
            draft.role, draft.status = "error", "failed"
        elif line.data.get("isAbortedMidStream") is True:
            draft.status = "interrupted"

    def _system(self, line: Line, draft: Draft) -> None:
        named = line.data.get("subtype")
        subtype = named if isinstance(named, str) else ""
        content = line.fields.raw("content")
        draft.role = "error" if subtype in _ERRORS else "system"
        if content:
            draft.parts = self._content(line, content, ("content",)).parts
        elif draft.role == "error" and isinstance(error := line.data.get("error"), dict):
            told = next((error[key] for key in ("formatted", "message") if isinstance(error.get(key), str)), None)
            draft.parts = [Text(text=told)] if told else []
        error = line.data.get("error")
        if isinstance(error, dict) and "headers" in error:
            # Headers of a failed request may carry cookies.
            line.fields.ignore("error")
            draft.extra["error"] = {key: value for key, value in error.items() if key != "headers"}
        draft.hidden = draft.is_quiet = subtype not in _TOLD

    def _attachment(self, line: Line, draft: Draft) -> None:
        data = line.fields.raw("attachment")
        kind = data.get("type") if isinstance(data, dict) else None
        if not isinstance(data, dict):
            line.fields.problems.add("attachment", "not an object")
        if kind == "queued_command" and self._queued(line, data, draft):
            return
        draft.parts = [RawPart(kind=kind if isinstance(kind, str) else "attachment", data=data)]
        draft.hidden = draft.is_quiet = True

    def _queued(self, line: Line, data: dict[str, Any], draft: Draft) -> bool:
        """A prompt typed while the model was busy is a prompt."""
        fields = Fields(data, line.fields.problems, "attachment")
        origin = data.get("origin")
        mode = data.get("commandMode")
        if mode == "task-notification" or data.get("isMeta") is True:
            return False
        if isinstance(origin, dict) and origin.get("kind") == "task-notification":
            return False
        parts = self._content(line, fields.raw("prompt"), ("attachment", "prompt")).parts
        kinds: list[Kind] = []
        for part in parts:
            found = said(part.text) if isinstance(part, Text) else None
            draft.parts.extend(found.parts if found else [part])
            kinds.extend([found.kind] if found else [])
        draft.role = "user" if not kinds or "typed" in kinds else "system"
        draft.hidden = draft.is_quiet = draft.role == "system"
        draft.extra["attachment"] = {**fields.rest()}
        return True

    def _tool_use(self, line: Line, draft: Draft) -> None:
        """Early logs, and other programs' imitations, have calls and results as lines of their own."""
        name, arguments = line.fields.text("name"), line.fields.raw("input")
        draft.role = "assistant"
        draft.parts = [ToolCall(id=line.fields.text("id") or line.id, name=name or "", input=arguments)]

    def _tool_result(self, line: Line, draft: Draft) -> None:
        name, output = line.fields.text("name"), line.fields.raw("output")
        call_id = line.fields.text("tool_use_id") or ""
        draft.role, draft.is_quiet = "tool", True
        draft.parts = [ToolResult(call_id=call_id, output=output, name=name)]

    def _other(self, line: Line, draft: Draft) -> None:
        draft.parts = [RawPart(kind=line.kind, data=line.data)]
        line.fields.ignore(*line.data)
        draft.hidden = draft.is_quiet = True


def _set_speaker(data: dict[str, Any], draft: Draft, kinds: list[Kind]) -> None:
    origin = data.get("origin")
    injected = data.get("isMeta") is True or (isinstance(origin, dict) and origin.get("kind") == "task-notification")
    has_result = any(isinstance(part, ToolResult) for part in draft.parts)
    if has_result and (injected or "typed" not in kinds):
        draft.role, draft.is_quiet = "tool", True
    elif data.get("isCompactSummary") is True:
        # What the model was told of all that came before; a boundary, not a prompt.
        draft.role = "system"
    elif injected or (kinds and "typed" not in kinds):
        draft.role = "system"
        draft.hidden = injected or "notice" not in kinds
    else:
        draft.role = "user"


def _keep(draft: Draft, key: str, value: dict[str, Any]) -> None:
    if value:
        draft.extra[key] = value


def _without_repeats(result: dict[str, Any], outputs: list[Any], *, has_files: bool) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in result.items()
        if not (isinstance(value, str | list) and (not value or value in outputs)) and value is not None
    }
    file = kept.get("file")
    if isinstance(file, dict):
        drop = {"base64"} if has_files else set()
        content = file.get("content")
        if isinstance(content, str) and any(_shows(output, content) for output in outputs):
            drop.add("content")
        kept["file"] = {key: value for key, value in file.items() if key not in drop}
    return kept


def _is_repeat(result: Any, outputs: list[Any], data: dict[str, Any]) -> bool:
    """Whether the twin of a result is no more than the text, or the blocks, of the result."""
    if result in outputs or (isinstance(result, str) and result.removeprefix("Error: ") in outputs):
        return True
    message = data.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and any(
        isinstance(item, dict) and item.get("content") == result for item in content
    )


def _shows(output: Any, content: str) -> bool:
    """Whether an output is this text with numbered lines."""
    return isinstance(output, str) and _NUMBERED.sub("", output).rstrip("\n").startswith(content.rstrip("\n"))
