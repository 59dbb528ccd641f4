"""The content of an answer: its text, its thinking, its tool calls and what came of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from chatkeep.formats.json_stream import loads
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Part, RawPart, Text, Thinking, ToolCall, ToolResult

from .tables import Row

# The app shows these as thinking wherever a line begins with one, to the closing tag or the end.
_THINKING = re.compile(r"^<(think|thought)(?: [^<>]{0,200})?>", re.MULTILINE)
# How the app's own pages name a file of the machine: the rest is a percent-encoded absolute path.
_ASSET = re.compile(r"(?:asset://localhost/|https?://asset\.localhost/)([^\s\"'<>)\]\\]{1,4000})")


class Content(NamedTuple):
    """What the parts of one answer say."""

    parts: list[Part]
    empty_rows: list[dict[str, Any]]
    """Rows that say nothing, as they are."""
    is_interrupted: bool
    """Whether the last row asks for tools that never answered."""


def text_parts(text: str) -> Iterator[Part]:
    """Text with what lies between thinking tags set apart; joined again with the tags it is the same text."""
    at = 0
    for match in _THINKING.finditer(text):
        if match.start() < at:
            continue
        closing = f"</{match[1]}>"
        end = text.find(closing, match.end())
        extra: dict[str, Any] = {} if match[0] == "<think>" else {"tag": match[0]}
        if end < 0:
            extra["unclosed"] = True
        if match.start() > at:
            yield Text(text=text[at : match.start()])
        yield Thinking(text=text[match.end() : end if end >= 0 else len(text)], extra=extra)
        at = end + len(closing) if end >= 0 else len(text)
    if at < len(text):
        yield Text(text=text[at:])


def asset_paths(text: object) -> list[str]:
    """The paths of files that a text shows by address."""
    if not isinstance(text, str) or "asset" not in text:
        return []
    return [unquote(match[1]) for match in _ASSET.finditer(text)]


def content_of(rows: list[Row], problems: Problems) -> Content:
    """The parts of one answer from its rows in `message_parts`."""
    parts: list[Part] = []
    empty: list[dict[str, Any]] = []
    unanswered: set[str] = set()
    ordered = sorted(rows, key=lambda row: row["level"] if isinstance(row.get("level"), int | float) else 0)
    for row in ordered:
        where = problems.at(f"part {row.get('level')}")
        fields = Fields(row, where)
        fields.ignore("chat_id", "message_id", "level")
        found, calls, answered = _row_parts(fields)
        unanswered = {*unanswered, *calls} - answered
        marks = {**_marks(row), **fields.rest()}
        if len(ordered) > 1 or row.get("level") != 0:
            marks["level"] = row.get("level")
        if found:
            parts += (_marked(found[0], marks), *found[1:])
        else:
            empty.append({"content": "", **marks, "level": row.get("level")})
    last = ordered[-1] if ordered else {}
    return Content(parts, empty, bool(unanswered) and _has_items(last.get("tool_calls")))


def _has_items(cell: object) -> bool:
    return isinstance(cell, str) and cell.strip() not in ("", "[]", "null")


def _marks(row: Row) -> dict[str, Any]:
    """Which of the list columns are empty lists: that is not the same as NULL to the app."""
    return {key: [] for key in ("tool_calls", "tool_results") if row.get(key) == "[]"}


def _marked(part: Part, marks: dict[str, Any]) -> Part:
    return msgspec.structs.replace(part, extra={**part.extra, **marks}) if marks else part


def _row_parts(fields: Fields) -> tuple[list[Part], list[str], set[str]]:
    found: list[Part] = list(text_parts(fields.text("content") or ""))
    calls = list(_cell(fields, "tool_calls", _call))
    results = list(_cell(fields, "tool_results", _result))
    called = [part.id for part in calls if isinstance(part, ToolCall)]
    answered = {part.call_id for part in results if isinstance(part, ToolResult)}
    return [*found, *calls, *results], called, answered


def _cell(fields: Fields, column: str, read: Any) -> Iterator[Part]:
    cell = fields.text(column)
    if not cell:
        return
    problems = fields.problems.at(column)
    try:
        items = loads(cell.encode("utf-8", "surrogatepass"))
    except ValueError:
        problems.add("", "not JSON: kept as it is")
        yield RawPart(kind=column, data=cell)
        return
    if items is not None and not isinstance(items, list):
        problems.add("", "not a list: kept as it is")
        yield RawPart(kind=column, data=items)
        return
    for number, item in enumerate(items or ()):
        if isinstance(item, dict):
            yield read(Fields(item, problems.at(number)))
        else:
            problems.at(number).add("", "not an object: kept as it is")
            yield RawPart(kind=column, data=item)


def _call(fields: Fields) -> ToolCall:
    return ToolCall(
        id=_id(fields),
        name=fields.text("namespacedToolName") or "",
        input=fields.raw("args"),
        extra=fields.rest(),
    )


def _result(fields: Fields) -> ToolResult:
    return ToolResult(
        call_id=_id(fields),
        output=fields.raw("content"),
        name=fields.text("namespacedToolName"),
        extra=fields.rest(),
    )


def _id(fields: Fields) -> str:
    call_id = fields.text("id")
    if not call_id:
        fields.problems.add("id", "missing")
    return call_id or ""
