"""Messages in the making: a log spreads one reply over many lines, and its tree runs through lines that say nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from chatkeep.formats.protocol import SourceMessage
from chatkeep.model import Part, RawPart, Role, Status, Text, Thinking, ToolCall, Usage

Lane = Literal["main", "side"]


class Draft(msgspec.Struct, kw_only=True):
    """A message whose parent and parts may still change."""

    id: str
    line: int
    role: Role
    lane: Lane
    log_parent: str | None
    """As the log says; see ``says_parent``."""
    says_parent: bool
    """Whether the line has a parent at all, be it null."""
    logical_parent: str | None = None
    is_quiet: bool = False
    """Results of tools and notes for the model: alternatives to nothing, so siblings of this kind are put in a row."""
    parts: list[Part] = []
    created_at: datetime | None = None
    completed_at: datetime | None = None
    model: str | None = None
    provider: str | None = None
    status: Status = "complete"
    hidden: bool = False
    usage: Usage | None = None
    cost_nanos: int | None = None
    extra: dict[str, Any] = {}
    parent: str | None = None
    """What it became; set by the thread."""

    def message(self) -> SourceMessage:
        """The finished message."""
        return SourceMessage(
            source_id=self.id,
            parent_id=self.parent,
            role=self.role,
            parts=tuple(self.parts),
            created_at=self.created_at,
            completed_at=self.completed_at,
            model=self.model,
            provider=self.provider,
            status=self.status,
            hidden=self.hidden,
            usage=self.usage,
            cost_nanos=self.cost_nanos,
            priced_by=None if self.cost_nanos is None else "source",
            extra=self.extra,
        )


def absorb(draft: Draft, later: Draft) -> None:
    """Add a later line of one reply to what is known of it; it is counted once, by its last line."""
    draft.parts = merged_parts(draft.parts, later.parts)
    draft.extra.setdefault("mergedUuids", []).append(later.id)
    moment = later.created_at
    if moment is not None and moment != draft.created_at:
        draft.completed_at = max(moment, draft.completed_at or moment)
    draft.usage = later.usage or draft.usage
    draft.cost_nanos = draft.cost_nanos if later.cost_nanos is None else later.cost_nanos
    draft.model = later.model or draft.model
    draft.provider = later.provider or draft.provider
    draft.status = later.status if later.status != "complete" else draft.status
    if later.role == "error":
        draft.role = "error"
    for key, value in later.extra.items():
        draft.extra[key] = value


def merged_parts(before: list[Part], later: list[Part]) -> list[Part]:
    """The parts of two lines of one reply: the later one holds the next block, or all of them grown."""
    if before and later and _is_grown(before[0], later[0]):
        merged = list(before)
        for place, part in enumerate(later):
            if place >= len(merged):
                merged.append(part)
            elif _is_grown(merged[place], part):
                merged[place] = part
            elif part not in merged:
                merged.append(part)
        return merged
    known = {part.id for part in before if isinstance(part, ToolCall) and part.id}
    return before + [part for part in later if not (isinstance(part, ToolCall) and part.id in known)]


def _is_grown(before: Part, later: Part) -> bool:
    """Whether one is the other, streamed further."""
    if type(before) is not type(later):
        return False
    if isinstance(before, ToolCall) and isinstance(later, ToolCall):
        return bool(before.id) and before.id == later.id
    if isinstance(before, Text) and isinstance(later, Text):
        return bool(before.text) and later.text.startswith(before.text)
    if isinstance(before, Thinking) and isinstance(later, Thinking):
        signed = before.extra.get("signature")
        return later.text.startswith(before.text) and (signed is None or signed == later.extra.get("signature"))
    return isinstance(before, RawPart) and before == later
