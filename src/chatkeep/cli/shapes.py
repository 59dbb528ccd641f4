"""The JSON that commands print, value by value; ``docs/cli.md`` documents each shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from chatkeep.model import Conversation, ConversationSummary, Message, Project, Usage, to_dollars, to_iso

Json = dict[str, Any]


def summary(row: ConversationSummary, projects: Mapping[str, str]) -> Json:
    """A conversation in a list. ``projects`` maps ids to names."""
    return {
        "id": row.id,
        "title": row.title,
        "source": row.source,
        "project": projects.get(row.project_id) if row.project_id else None,
        "project_id": row.project_id,
        "kind": row.kind,
        "created_at": to_iso(row.created_at),
        "updated_at": to_iso(row.updated_at),
        "trashed_at": _moment(row.trashed_at),
        "message_count": row.message_count,
        "cost_usd": dollars(row.cost_nanos),
        "preview": row.preview,
        "pinned": bool(row.pinned),
        "archived": bool(row.archived),
        "tags": list(row.tags),
    }


def conversation(whole: Conversation, projects: Mapping[str, str]) -> Json:
    """One conversation with all that its header holds."""
    return {
        "id": whole.id,
        "title": whole.title,
        "source": whole.source.format if whole.source else None,
        "source_id": whole.source.source_id if whole.source else None,
        "project": projects.get(whole.project_id) if whole.project_id else None,
        "project_id": whole.project_id,
        "kind": whole.kind,
        "workspace": whole.workspace,
        "agent": whole.agent,
        "session_id": whole.session_id,
        "created_at": to_iso(whole.created_at),
        "updated_at": to_iso(whole.updated_at),
        "trashed_at": _moment(whole.trashed_at),
        "message_count": whole.message_count,
        "cost_usd": dollars(whole.cost_nanos),
        "usage": usage(whole.usage),
        "models": list(whole.models),
        "preview": whole.preview,
        "pinned": whole.pinned,
        "archived": whole.archived,
        "tags": list(whole.tags),
        "head_id": whole.head_id,
        "settings": whole.settings,
        "version": whole.version,
        "extra": whole.extra,
    }


def message(whole: Message) -> Json:
    """One message with its parts."""
    return {
        "id": whole.id,
        "parent_id": whole.parent_id,
        "seq": whole.seq,
        "role": whole.role,
        "model": whole.model,
        "provider": whole.provider,
        "status": whole.status,
        "created_at": to_iso(whole.created_at),
        "completed_at": _moment(whole.completed_at),
        "hidden": whole.hidden,
        "reply_set": whole.reply_set,
        "reply_index": whole.reply_index,
        "selected": whole.selected,
        "rating": whole.rating,
        "source_id": whole.source_id,
        "usage": usage(whole.usage) if whole.usage else None,
        "cost_usd": dollars(whole.cost_nanos),
        "parts": [msgspec.to_builtins(part) for part in whole.parts],
        "extra": whole.extra,
    }


def usage(tokens: Usage) -> Json:
    """Token counts, zeros included."""
    return {name: getattr(tokens, name) for name in Usage.__struct_fields__} | {"total": tokens.total}


def project(whole: Project) -> Json:
    """One project."""
    return {
        "id": whole.id,
        "name": whole.name,
        "parent_id": whole.parent_id,
        "description": whole.description,
        "instructions": whole.instructions,
        "created_at": to_iso(whole.created_at),
        "updated_at": to_iso(whole.updated_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else to_iso(moment)


def dollars(nanos: int | None) -> float | None:
    """Dollars for JSON; None stays unknown."""
    return None if nanos is None else to_dollars(nanos)
