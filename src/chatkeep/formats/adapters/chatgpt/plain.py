"""The common case, fast: one user or assistant message that is one text and nothing else.

Most messages of a real export are. Whatever is out of the ordinary, in a key, a type or a value, is left to
:func:`chatkeep.formats.adapters.chatgpt.message.read_message`, which gives the same for what both can read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from chatkeep.formats.adapters.chatgpt.citations import has_markers
from chatkeep.formats.adapters.chatgpt.tree import NODE_KEYS
from chatkeep.formats.protocol import SourceMessage
from chatkeep.model import Role, Text

_ROLES: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant"}
_MESSAGE_KEYS = frozenset(
    {
        "author",
        "channel",
        "content",
        "create_time",
        "end_turn",
        "id",
        "metadata",
        "recipient",
        "status",
        "update_time",
        "weight",
    }
)
# Metadata that changes what becomes of the message, if it says anything.
_CONSEQUENTIAL = frozenset(
    {
        "content_references",
        "is_user_system_message",
        "is_visually_hidden_from_conversation",
        "usage",
    }
)
_AUTHOR_KEYS = frozenset({"metadata", "name", "role"})
LATEST_S = 4e9
"""Unix seconds; what is later is in another unit."""

_KEPT = ("update_time", "end_turn", "channel")
_NOTHING: tuple[Any, ...] = (None, {})
_NO_FILES: tuple[Any, ...] = (None, [])
_ALL = (None, "all")
_FINISHED = (None, "finished_successfully")
_IN_CONTEXT = (None, 1)

EMPTY: tuple[Any, ...] = ("", [], {})
"""What says nothing, beside null: it is not kept."""


def plain_message(
    key: str, parent_id: str | None, node: dict[str, Any], default_model: str | None
) -> SourceMessage | None:
    """The message of a node if it is a plain one, else None. Raises nothing."""
    message = node["message"]
    try:
        author, content, created = message["author"], message["content"], message["create_time"]
        role = _ROLES[author["role"]]
        parts = content["parts"]
        [text] = parts
        is_plain = (
            type(parts) is list
            and type(text) is str
            and text != ""
            and not text.isspace()
            and type(created) is float
            and 0 < created < LATEST_S
            and message["id"] == key
            and node.get("id", key) == key
            and content["content_type"] == "text"
            and len(content) == 2
            and (len(author) == 1 or _is_bare(author))
            and node.keys() <= NODE_KEYS
            and message.keys() <= _MESSAGE_KEYS
            and message.get("recipient") in _ALL
            and message.get("status") in _FINISHED
            and message.get("weight") in _IN_CONTEXT
        )
        if not is_plain or (role == "assistant" and has_markers(text)):
            return None
        kept = _kept_metadata(message.get("metadata"), node.get("parent"), default_model)
    except (KeyError, TypeError, ValueError):
        return None
    if kept is None:
        return None
    extra, model = kept
    for name in _KEPT:
        if (value := message.get(name)) is not None and value not in EMPTY:
            extra[name] = value
    return SourceMessage(
        source_id=key,
        parent_id=parent_id,
        role=role,
        parts=(Text(text=text),),
        created_at=datetime.fromtimestamp(created, UTC),
        model=model,
        provider=None if model is None else "openai",
        extra=extra,
    )


def _is_bare(author: dict[str, Any]) -> bool:
    return author.keys() <= _AUTHOR_KEYS and author.get("name") is None and author.get("metadata") in _NOTHING


def _kept_metadata(metadata: Any, above: Any, default_model: str | None) -> tuple[dict[str, Any], str | None] | None:
    """What to keep of a plain message's metadata, and its model; None if the message is not plain after all."""
    if type(metadata) is not dict:
        return ({}, None) if metadata is None else None
    kept = {name: value for name, value in metadata.items() if value or (value is not None and value not in EMPTY)}
    if not _CONSEQUENTIAL.isdisjoint(kept) or metadata.get("attachments") not in _NO_FILES:
        return None
    model = metadata.get("model_slug")
    kept.pop("model_slug", None)
    finish = kept.get("finish_details")
    if (model is not None and type(model) is not str) or (type(finish) is dict and finish.get("type") == "interrupted"):
        return None
    # These are kept only if they do not follow from the rest.
    if (value := kept.pop("default_model_slug", None)) is not None and value != default_model:
        kept["default_model_slug"] = value
    if (value := kept.pop("parent_id", None)) is not None and value != above:
        kept["parent_id"] = value
    if (value := kept.pop("timestamp_", None)) is not None and value != "absolute":
        kept["timestamp_"] = value
    return ({"metadata": kept} if kept else {}), model or None
