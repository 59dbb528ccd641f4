"""Tool calls and their results, which the app stores as JSON texts inside JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from chatkeep.formats.json_stream import loads
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Part, RawPart, ToolCall, ToolResult

from .turns import Turn


def tool_parts(turn: Turn) -> list[Part]:
    """Each call with its result behind it, in the order of the calls; results without a call at the end."""
    results = list(_read(turn.results, "toolResults", turn.problems))
    answers: dict[str, list[int]] = {}
    for number, part in enumerate(results):
        if isinstance(part, ToolResult):
            answers.setdefault(part.call_id, []).append(number)
    parts: list[Part] = []
    used: set[int] = set()
    for part in _read(turn.calls, "toolCalls", turn.problems):
        parts.append(part)
        if isinstance(part, ToolCall) and answers.get(part.id):
            number = answers[part.id].pop(0)
            used.add(number)
            parts.append(results[number])
    return parts + [part for number, part in enumerate(results) if number not in used]


def _read(items: list[Any], field: str, problems: Problems) -> Iterator[Part]:
    for number, item in enumerate(items):
        place = problems.at(f"metadata {field} {number}")
        value = _decoded(item, place)
        if not isinstance(value, dict):
            place.add("", "not a JSON object: kept as it is")
            yield RawPart(kind=field, data=item)
            continue
        fields = Fields(value, place)
        yield _with_original(_call(fields) if field == "toolCalls" else _result(fields), item)


def _decoded(item: Any, problems: Problems) -> Any:
    if not isinstance(item, str):
        return item
    try:
        return loads(item.encode("utf-8", "surrogatepass"), problems=problems)
    except ValueError:
        return None


def _call(fields: Fields) -> ToolCall:
    fields.ignore("type")
    # Older versions of the library that the app calls models by said `args`.
    key = "input" if "input" in fields else "args"
    return ToolCall(
        id=fields.text("toolCallId") or "",
        name=fields.text("toolName") or "",
        input=fields.raw(key),
        extra=fields.rest(),
    )


def _result(fields: Fields) -> ToolResult:
    kind = fields.raw("type")
    key = "output" if "output" in fields else "result"
    return ToolResult(
        call_id=fields.text("toolCallId") or "",
        output=fields.raw(key),
        name=fields.text("toolName"),
        is_error=kind == "tool-error",
        extra=fields.rest(),
    )


def _with_original(part: ToolCall | ToolResult, item: Any) -> Part:
    """Keep the text itself unless writing the value gives it again: the app's texts have to survive byte by byte."""
    if isinstance(part, ToolCall):
        again = {"type": "tool-call", "toolCallId": part.id, "toolName": part.name, "input": part.input}
    else:
        again = {"type": "tool-result", "toolCallId": part.call_id, "toolName": part.name, "output": part.output}
    try:
        written = json.dumps(again, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, ValueError):
        written = ""
    return part if written == item else msgspec.structs.replace(part, extra={"original": item})
