"""Group chats: several models talk in one line, with threads on the side; they have tables of their own."""

from __future__ import annotations

from datetime import UTC, datetime

from chatkeep.formats.protocol import SourceMessage
from chatkeep.formats.values import Fields, Problems, time_from_iso
from chatkeep.model import Part, Text

from .blocks import truth
from .model_names import ModelConfigs
from .parts import text_parts
from .tables import Row
from .thread import id_of

_NO_TIME = datetime.min.replace(tzinfo=UTC)


def group_messages(rows: list[Row], configs: ModelConfigs, problems: Problems) -> list[SourceMessage]:
    """The messages of a group chat: the main line, then each thread as a branch at its root.

    Deleted messages are left out. A thread whose root is not in the main line becomes a line of its own.
    """
    live = [row for row in rows if not truth(row.get("is_deleted"))]
    live.sort(key=lambda row: time_from_iso(row.get("created_at"), Problems(), "") or _NO_TIME)
    main = {id_of(row) for row in live if row.get("thread_root_message_id") is None}
    last: dict[str | None, str] = {}
    found: list[SourceMessage] = []
    for row in live:
        root = row.get("thread_root_message_id")
        place = problems.at(f"message {id_of(row)}")
        thread = None if root is None else str(root)
        if thread is not None and thread not in main and thread not in last:
            place.add("thread_root_message_id", "its root is not in the main line: kept as a line of its own")
        parent = last.get(thread) or (thread if thread in main else None)
        found.append(_message(row, parent, configs, place))
        last[thread] = id_of(row)
    return found


def main_head(rows: list[SourceMessage]) -> str | None:
    """The last message of the main line."""
    return next((row.source_id for row in reversed(rows) if "thread_root_message_id" not in row.extra), None)


def _message(row: Row, parent_id: str | None, configs: ModelConfigs, problems: Problems) -> SourceMessage:
    fields = Fields(row, problems)
    fields.ignore("id", "chat_id")
    if row.get("is_deleted") in (None, 0):
        fields.ignore("is_deleted")
    config_id = fields.text("model_config_id") or ""
    user = config_id == "user"
    name = configs.name(config_id)
    if row.get("updated_at") == row.get("created_at"):
        fields.ignore("updated_at")
    text = fields.text("text") or ""
    parts: list[Part] = ([Text(text=text)] if text else []) if user else list(text_parts(text))
    created_at = fields.time_from_iso("created_at")
    extra = fields.rest()
    if not user and config_id != name.config_id:
        extra["model_config_id"] = config_id
    return SourceMessage(
        source_id=id_of(row),
        parent_id=parent_id,
        role="user" if user else "assistant",
        parts=tuple(parts),
        created_at=created_at,
        model=None if user else name.model,
        provider=None if user else name.provider,
        extra=extra,
    )
