"""One chat as a conversation."""

from __future__ import annotations

from typing import Any

from chatkeep.formats.json_stream import loads
from chatkeep.formats.protocol import SourceAttachment, SourceConversation, SourceMessage, SourceProject
from chatkeep.formats.values import Fields, Problems

from .blocks import truth
from .content import Material
from .early import early_thread
from .files import Files, attachment_of, in_order
from .gathering import ChatRows
from .group import group_messages, main_head
from .messages import message_of
from .model_names import ModelConfigs
from .tables import Row
from .thread import id_of, thread_of

DEFAULT_PROJECT = "default"

# What a column holds when nobody touched it.
_DEFAULTS: dict[str, Any] = {
    "quick_chat": 0,
    "is_new_chat": 0,
    "gc_prototype_chat": 0,
    "project_context_summary_is_stale": 1,
    "total_cost_usd": 0,
    "is_collapsed": 0,
    "magic_projects_enabled": 1,
    "is_imported": 0,
}


def conversation_of(
    rows: ChatRows, project: SourceProject | None, files: Files, configs: ModelConfigs, problems: Problems
) -> SourceConversation:
    """Make a conversation of a chat's rows; ``problems`` may hold what was found while reading them."""
    fields = Fields(rows.chat, problems)
    chat_id = fields.text("id") or ""
    is_group = truth(rows.chat.get("gc_prototype_chat"))
    _name_messages(rows.messages, chat_id, problems)
    _name_messages(rows.group_messages, chat_id, problems)
    attached, drafted = _attachments(rows, files, problems)
    material = Material(chat_id, _by_message(rows.parts), attached, files, {})
    early = "parent_id" in (rows.messages[0] if rows.messages else {})
    arrange = early_thread if early else thread_of
    thread = arrange(rows.sets, rows.messages, head_id=fields.raw("head_id"), problems=problems)
    messages = [message_of(placed, material, configs, problems) for placed in thread.messages]
    talk = group_messages(rows.group_messages, configs, problems)
    if project is not None or rows.chat.get("project_id") == DEFAULT_PROJECT:
        fields.ignore("project_id")
    return SourceConversation(
        source_id=chat_id,
        # Ids of a group chat's messages are unique in their chat only.
        scope=chat_id if is_group else "",
        title=fields.text("title"),
        project=project,
        pinned=truth(fields.raw("pinned")),
        created_at=fields.time_from_iso("created_at"),
        updated_at=fields.time_from_iso("updated_at"),
        head_id=main_head(talk) or thread.head_id,
        messages=(*messages, *talk),
        attachments=_unique([*(a for found in attached.values() for a in found), *drafted, *material.shown.values()]),
        extra=_extra(fields, rows, drafted, messages, configs),
        problems=problems.found(),
    )


def without_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """What says more than that nobody touched it."""
    return {key: value for key, value in values.items() if not (key in _DEFAULTS and _DEFAULTS[key] == value)}


def _name_messages(rows: list[Row], chat_id: str, problems: Problems) -> None:
    """Give every row an id of its own: a key column of this schema may be NULL, and a hostile file repeats ids."""
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if not isinstance(row.get("id"), str) or row["id"] in seen:
            problems.add(f"message {number}", "its id is missing, not text, or used before")
            row["id"] = f"{chat_id}/message-{number}"
        seen.add(row["id"])


def _by_message(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row.get("message_id")), []).append(row)
    return found


def _unique(attachments: list[SourceAttachment]) -> tuple[SourceAttachment, ...]:
    return tuple({attachment.source_id: attachment for attachment in attachments}.values())


def _attachments(
    rows: ChatRows, files: Files, problems: Problems
) -> tuple[dict[str, list[SourceAttachment]], list[SourceAttachment]]:
    """The attachments of each message, and those of the draft."""
    known = {
        row["id"]: attachment_of(row, files, problems.at(f"attachment {row['id']}"))
        for row in rows.attachments
        if isinstance(row.get("id"), str)
    }
    attached: dict[str, list[SourceAttachment]] = {}
    drafted: list[SourceAttachment] = []
    for link in rows.links:
        attachment = known.get(link["attachment_id"])
        if attachment is None:
            problems.add(f"attachment {link['attachment_id']}", "it is linked, but not there")
            attachment = SourceAttachment(source_id=str(link["attachment_id"]), name=str(link["attachment_id"]))
        if "message_id" in link:
            attached.setdefault(link["message_id"], []).append(attachment)
        else:
            drafted.append(attachment)
    for row in rows.messages:
        if row.get("attachments"):
            attached[id_of(row)] = _inline(row, files, problems.at(f"message {id_of(row)} attachments"))
    return {message_id: in_order(found) for message_id, found in attached.items()}, in_order(drafted)


def _inline(row: Row, files: Files, problems: Problems) -> list[SourceAttachment]:
    """Attachments as schemas 16 to 110 kept them: a JSON array in the message. Takes it out of the row if it is one."""
    try:
        entries = loads(str(row["attachments"]).encode())
    except ValueError:
        problems.add("", "not JSON: kept as it is")
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.add("", "not a list of objects: kept as it is")
        return []
    row["attachments"] = None
    return [
        _inline_attachment(entry, f"{id_of(row)}/attachment-{n}", files, problems) for n, entry in enumerate(entries)
    ]


def _inline_attachment(entry: Row, source_id: str, files: Files, problems: Problems) -> SourceAttachment:
    renamed = {"originalName": "original_name", "isLoading": "is_loading"}
    return attachment_of(
        {**{renamed.get(key, key): value for key, value in entry.items()}, "id": source_id}, files, problems
    )


def _extra(
    fields: Fields,
    rows: ChatRows,
    drafted: list[SourceAttachment],
    messages: list[SourceMessage],
    configs: ModelConfigs,
) -> dict[str, Any]:
    """What of a chat has no field, under the names of its columns and tables."""
    extra = without_defaults(fields.rest())
    if "total_cost_usd" in extra:
        known = sum(message.cost_nanos or 0 for message in messages)
        total = extra["total_cost_usd"]
        if isinstance(total, float) and abs(total * 1e9 - known) < 1:
            del extra["total_cost_usd"]
    if rows.drafts:
        extra["message_drafts"] = rows.drafts[0].get("content")
    if drafted:
        extra["draft_attachments"] = [attachment.source_id for attachment in drafted]
    filled = {row.get("message_set_id") for row in rows.messages}
    empty = [_without_chat(row) for row in rows.sets if row.get("id") not in filled]
    for table, found in (
        ("message_sets", empty),
        ("saved_model_configs_chats", [_without_chat(row) for row in rows.saved_models]),
        ("gc_prototype_conductors", [_without_chat(row) for row in rows.conductors]),
    ):
        if found:
            extra[table] = found
    made = configs.made_by_people(config_ids(rows))
    if made:
        extra["model_configs"] = made
    return extra


def _without_chat(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "chat_id" and value is not None}


def config_ids(rows: ChatRows) -> set[str]:
    """The configurations that a chat's messages name."""
    named = {row.get("model") for row in rows.messages} | {row.get("model_config_id") for row in rows.group_messages}
    return {config_id for config_id in named if isinstance(config_id, str) and config_id != "user"}
