"""One conversation of an export, whole."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from chatkeep.formats.adapters.chatgpt.files import Assets, FileBook, Mention
from chatkeep.formats.adapters.chatgpt.message import Thread, moment, read_message
from chatkeep.formats.adapters.chatgpt.plain import plain_message
from chatkeep.formats.adapters.chatgpt.sidecars import Beside
from chatkeep.formats.adapters.chatgpt.tree import Tree
from chatkeep.formats.json_stream import loads
from chatkeep.formats.protocol import SourceConversation, SourceMessage, SourceProject
from chatkeep.formats.values import Fields, Problems

_PROJECT = "g-p-"
# Whose account it is: never taken over.
_PERSONAL = ("birth_year", "email", "phone_number", "user_id")


def read_conversation(raw: bytes, *, where: str, beside: Beside, assets: Assets) -> SourceConversation:
    """Decode and map one element of the export.

    Raises:
        ValueError: Not JSON, or not a conversation.
    """
    problems = Problems(where)
    value = loads(raw, problems=problems)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    mapping = value.get("mapping")
    if not isinstance(mapping, dict):
        raise ValueError("it has no mapping of messages")
    conversation_id = conversation_id_of(value.get("conversation_id"), value.get("id")) or _made_id(value, raw)
    header = Fields(value, problems)
    default_model = header.text("default_model_slug") or None
    tree = Tree(mapping, problems)
    files = FileBook(assets, conversation_id)
    thread = Thread(tree=tree, files=files, problems=problems, default_model=default_model, feedback=beside.feedback)
    messages = _messages(thread, beside)
    return SourceConversation(
        source_id=conversation_id,
        # Branching off into a new chat copies messages, ids and all.
        scope=conversation_id,
        title=header.text("title") or None,
        project=_project(header, value),
        pinned=bool(value.get("pinned_time")) or value.get("is_starred") is True,
        archived=header.boolean("is_archived") or False,
        created_at=moment(value, "create_time", header),
        updated_at=moment(value, "update_time", header),
        head_id=_head(header, tree),
        settings={} if default_model is None else {"model": default_model},
        messages=tuple(messages),
        attachments=files.attachments,
        extra=_extra(header, value, conversation_id, beside),
        problems=problems.found(),
    )


def conversation_id_of(conversation_id: Any, id: Any) -> str | None:
    """The id that a conversation gives itself; both fields hold the same, if they are there."""
    for value in (conversation_id, id):
        if isinstance(value, str) and value:
            return value
    return None


def _made_id(value: dict[str, Any], raw: bytes) -> str:
    """An id for a conversation without one: from when it began and where, which stay as it grows."""
    mapping, begun = value["mapping"], value.get("create_time")
    roots = sorted(key for key, node in mapping.items() if isinstance(node, dict) and node.get("parent") is None)
    known = f"{begun!r}\0{roots[:10]!r}" if begun and roots else repr(sha256(raw).digest())
    return f"made:{sha256(known.encode('utf-8', 'backslashreplace')).hexdigest()[:32]}"


def _messages(thread: Thread, beside: Beside) -> list[SourceMessage]:
    tree, default_model = thread.tree, thread.default_model
    rated = beside.feedback
    found: list[SourceMessage] = []
    nodes = tree.nodes
    for key, node in nodes.items():
        above = node.get("parent")
        # Nearly always the parent holds a message too.
        parent_id = above if type(above) is str and above in nodes else tree.parent(key)
        plain = None if rated and key in rated else plain_message(key, parent_id, node, default_model)
        found.append(plain or read_message(key, parent_id, node, thread))
    if beside.library:
        _add_library_files(found, thread, beside)
    if rated:
        known = {_message_id(node, key) for key, node in nodes.items()}
        for message_id in rated.keys() - known:
            thread.problems.add(f"message {message_id[:64]}", "was rated, but is not in the conversation")
    return found


def _message_id(node: dict[str, Any], key: str) -> str:
    own = node["message"].get("id")
    return own if isinstance(own, str) and own else key


def _add_library_files(messages: list[SourceMessage], thread: Thread, beside: Beside) -> None:
    """Give messages the files that only the library says were made in them."""
    places = {message.source_id: index for index, message in enumerate(messages)}
    for entry in beside.library:
        if entry.file_id in thread.files:
            continue
        index = places.get(entry.message_id)
        if index is None:
            thread.problems.add(f"file {entry.file_id[:64]}", "its message is not in the conversation")
            continue
        message = messages[index]
        ref = thread.files.ref(Mention(id=entry.file_id))
        messages[index] = msgspec.structs.replace(message, parts=(*message.parts, ref), hidden=_still_hidden(message))


def _still_hidden(message: SourceMessage) -> bool:
    return message.hidden and bool(message.parts)


def _project(header: Fields, value: dict[str, Any]) -> SourceProject | None:
    gizmo_id = value.get("gizmo_id")
    if value.get("conversation_template_id") == gizmo_id:
        header.ignore("conversation_template_id")
    if not isinstance(gizmo_id, str) or not gizmo_id.startswith(_PROJECT):
        return None
    header.ignore("gizmo_id")
    # Its name is not in the export.
    return SourceProject(source_id=gizmo_id, name="")


def _head(header: Fields, tree: Tree) -> str | None:
    current = header.text("current_node")
    if not current:
        return None
    holder = tree.holder(current)
    if holder is None and current not in tree:
        header.problems.add("current_node", "names no message: the newest is shown")
    return holder


def _extra(header: Fields, value: dict[str, Any], conversation_id: str, beside: Beside) -> dict[str, Any]:
    header.ignore(
        "mapping", *_PERSONAL, *(name for name in ("conversation_id", "id") if value.get(name) == conversation_id)
    )
    linear = value.get("linear_conversation")
    if isinstance(linear, list) and all(
        isinstance(node, dict) and node.get("id") in value["mapping"] for node in linear
    ):
        # Share pages repeat the thread that is shown.
        header.ignore("linear_conversation")
    extra = header.rest()
    owner = extra.get("owner")
    if isinstance(owner, dict):
        extra["owner"] = {key: item for key, item in owner.items() if key not in _PERSONAL}
    if beside.shares:
        extra["shared_conversations"] = beside.shares
    return extra
