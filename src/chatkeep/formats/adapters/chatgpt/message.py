"""One node with a message, in the terms of the model: all kinds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from chatkeep.formats.adapters.chatgpt.citations import Resolver, has_markers
from chatkeep.formats.adapters.chatgpt.content import Draft, read_content
from chatkeep.formats.adapters.chatgpt.files import FileBook
from chatkeep.formats.adapters.chatgpt.parts import Pointers
from chatkeep.formats.adapters.chatgpt.plain import LATEST_S
from chatkeep.formats.adapters.chatgpt.sidecars import Feedback
from chatkeep.formats.adapters.chatgpt.tree import Tree, is_call, role_of
from chatkeep.formats.protocol import SourceMessage
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Part, Role, Status, Text, ToolResult, Usage

_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
_STATUS: dict[str, Status] = {
    "finished_successfully": "complete",
    "finished_partial_completion": "interrupted",
    "in_progress": "interrupted",
    "error": "failed",
}
# What the instructions and memories of an account look like, whoever is said to speak.
_CONTEXTS = frozenset({"user_editable_context", "model_editable_context"})
# A tool tells the model, not the reader, that the picture is there.
_PICTURE_NOTE = re.compile(r"\b(?:returned|displayed) \d+ images?\b")

# As seconds this is the year 5138, as milliseconds 1973.
_FIRST_MS = 1e11


class Thread(msgspec.Struct, kw_only=True):
    """What a message may need to know of its conversation."""

    tree: Tree
    files: FileBook
    problems: Problems
    default_model: str | None
    feedback: dict[str, Feedback]
    """By message id."""


def moment(source: dict[str, Any], key: str, fields: Fields) -> datetime | None:
    """A time in seconds, as nearly all are; scripts also write milliseconds and ISO 8601, and 0 for not known.

    ``fields`` reads the same object: a value that is no time stays among its leftovers.
    """
    value = source.get(key)
    if type(value) is float and 0 < value < LATEST_S:
        fields.ignore(key)
        return datetime.fromtimestamp(value, UTC)
    if value is None or value == 0 or value == "":
        fields.ignore(key)
        return None
    if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
        return fields.time_from_iso(key)
    is_in_ms = isinstance(value, int | float) and abs(value) > _FIRST_MS
    return fields.time_from_ms(key) if is_in_ms else fields.time_from_seconds(key)


def read_message(key: str, parent_id: str | None, node: dict[str, Any], thread: Thread) -> SourceMessage:
    """The message of a node, whatever it is."""
    source: dict[str, Any] = node["message"]
    message = Fields(source, thread.problems.at(f"message {key[:64]}"))
    metadata = message.mapping("metadata")
    author = message.fields("author")
    spelled = author.text("role") or message.text("role")
    role = _role(spelled, source, message.problems)
    draft = _draft(key, source, author, role, metadata, thread)
    read_content(draft, message.raw("content"), message)
    draft.parts.extend(draft.pointers.unmentioned(message.problems))
    if role == "assistant" and not draft.is_call:
        draft.parts = _cited(draft.parts, metadata, key, thread.tree)

    about = Fields(metadata, message.problems, "metadata")
    model = about.text("model_slug") or None
    usage = _usage(source.get("usage") or metadata.get("usage"), message.problems)
    created_at = moment(source, "create_time", message)
    feedback = thread.feedback.get(_own_id(source, key))
    extra = _extra(node, message, about, draft, thread.default_model) | _kept_author(author, spelled, role, draft)
    if feedback is not None and feedback.extra:
        extra["message_feedback"] = feedback.extra
    if _own_id(source, key) != key:
        extra["id"] = _own_id(source, key)
    return SourceMessage(
        source_id=key,
        parent_id=parent_id,
        role=role,
        parts=tuple(draft.parts),
        created_at=created_at,
        model=model,
        provider=None if model is None else "openai",
        status=_status(source, metadata),
        hidden=_is_hidden(role, source, metadata, draft.parts),
        rating=None if feedback is None else feedback.rating,
        usage=usage,
        extra=extra,
    )


def _own_id(source: dict[str, Any], key: str) -> str:
    own = source.get("id")
    return own if isinstance(own, str) and own else key


def _is_context(source: dict[str, Any]) -> bool:
    content = source.get("content")
    kind = content.get("content_type") if isinstance(content, dict) else None
    return isinstance(kind, str) and kind in _CONTEXTS


def _role(spelled: str | None, source: dict[str, Any], problems: Problems) -> Role:
    if _is_context(source):
        return "system"
    role = _ROLES.get(spelled.lower()) if spelled else None
    if role is None:
        problems.add("author role", "missing" if spelled is None else "unknown")
    return role or "system"


def _draft(
    key: str, source: dict[str, Any], author: Fields, role: Role, metadata: dict[str, Any], thread: Thread
) -> Draft:
    calls = is_call(source)
    name = author.text("name")
    recipient = source.get("recipient")
    entries = metadata.get("attachments")
    return Draft(
        id=key,
        is_call=calls,
        is_result=role == "tool",
        is_error=role == "tool" and _failed(source, metadata),
        tool=recipient if calls and isinstance(recipient, str) else (name or ""),
        call_id=thread.tree.call_of(key) if role == "tool" else "",
        metadata=metadata,
        pointers=Pointers(
            thread.files, entries if isinstance(entries, list) else [], generated=role in ("assistant", "tool")
        ),
    )


def _failed(source: dict[str, Any], metadata: dict[str, Any]) -> bool:
    aggregate, canvas = metadata.get("aggregate_result"), metadata.get("canvas")
    run_status = aggregate.get("status") if isinstance(aggregate, dict) else None
    return (
        source.get("status") == "error"
        or (isinstance(run_status, str) and ("fail" in run_status or "error" in run_status))
        or (isinstance(canvas, dict) and canvas.get("is_failure") is True)
    )


def _cited(parts: list[Part], metadata: dict[str, Any], key: str, tree: Tree) -> list[Part]:
    """The parts with markers resolved, and what they cite after the last text."""
    texts = [index for index, part in enumerate(parts) if isinstance(part, Text)]
    references = metadata.get("content_references")
    if not texts or not (references or any(has_markers(part.text) for part in parts if isinstance(part, Text))):
        return parts
    resolver = Resolver(metadata, lambda: tree.cite_lists(key))
    resolved = list(parts)
    for index in texts:
        part = resolved[index]
        if isinstance(part, Text) and has_markers(part.text):
            shown, markers = resolver.resolve(part.text)
            if markers:
                resolved[index] = Text(text=shown, extra={**part.extra, "markers": markers})
    resolver.add_unmarked()
    after = texts[-1] + 1
    return [*resolved[:after], *resolver.citations, *resolved[after:]]


def _status(source: dict[str, Any], metadata: dict[str, Any]) -> Status:
    spelled, finish = source.get("status"), metadata.get("finish_details")
    status = _STATUS.get(spelled, "complete") if isinstance(spelled, str) else "complete"
    interrupted = isinstance(finish, dict) and finish.get("type") == "interrupted"
    return "interrupted" if interrupted and status == "complete" else status


def _is_hidden(role: Role, source: dict[str, Any], metadata: dict[str, Any], parts: list[Part]) -> bool:
    is_odd = not _is_context(source) and (role_of(source) or "").lower() not in _ROLES
    return (
        source.get("weight") == 0
        or metadata.get("is_visually_hidden_from_conversation") is True
        # A role that nobody knows is filed as system too, and may be what a person wrote.
        or (role == "system" and not is_odd and metadata.get("is_user_system_message") is not True)
        or all(_says_nothing(part) for part in parts)
    )


def _says_nothing(part: Part) -> bool:
    if isinstance(part, ToolResult):
        output = part.output
        return output in (None, "") or (isinstance(output, str) and _PICTURE_NOTE.search(output[:400]) is not None)
    return isinstance(part, Text) and not part.text.strip()


# --- what is kept beside ---------------------------------------------------------------------------------------------


def _extra(
    node: dict[str, Any], message: Fields, about: Fields, draft: Draft, default_model: str | None
) -> dict[str, Any]:
    """What neither a field nor a part says, and does not follow from them."""
    source, metadata = node["message"], draft.metadata
    ignored = {"status": ("finished_successfully", "error"), "weight": (1,), "recipient": ("all",)}
    message.ignore(*(name for name, values in ignored.items() if source.get(name) in values))
    if isinstance(source.get("id"), str):
        message.ignore("id")
    if draft.is_call:
        message.ignore("recipient")
    follows = {"default_model_slug": default_model, "parent_id": node.get("parent"), "timestamp_": "absolute"}
    about.ignore(*(name for name, value in follows.items() if metadata.get(name) == value))
    about.listing("attachments")

    extra = message.rest()
    kept = about.rest()
    if draft.pointers.unreadable:
        about.problems.add("attachments", "entries that are no objects")
        kept["attachments"] = draft.pointers.unreadable
    if kept:
        extra["metadata"] = kept
    if draft.kept:
        extra["content"] = draft.kept
    node_rest = Fields(node, message.problems)
    node_rest.ignore("parent", "children", "message", *(("id",) if node.get("id") == draft.id else ()))
    if kept_of_node := node_rest.rest():
        extra["node"] = kept_of_node
    return extra


def _kept_author(author: Fields, spelled: str | None, role: Role, draft: Draft) -> dict[str, Any]:
    kept = author.rest()
    if spelled is not None and spelled != role:
        kept["role"] = spelled
    names_result = role == "tool" and any(isinstance(part, ToolResult) for part in draft.parts)
    if (name := author.text("name")) and not names_result:
        kept["name"] = name
    return {"author": kept} if kept else {}


def _usage(value: Any, problems: Problems) -> Usage | None:
    """Tokens, which only third parties add; the same numbers stay in ``extra`` as they were written."""
    if not isinstance(value, dict):
        return None
    counts = Fields(value, problems, "usage")
    sent = counts.integer("prompt_tokens") or counts.integer("input_tokens") or 0
    answered = counts.integer("completion_tokens") or counts.integer("output_tokens") or 0
    sent_details = value.get("prompt_tokens_details") or value.get("input_tokens_details")
    answer_details = value.get("completion_tokens_details") or value.get("output_tokens_details")
    cached = Fields(sent_details, counts.problems, "details").integer("cached_tokens") or 0
    reasoning = Fields(answer_details, counts.problems, "details").integer("reasoning_tokens") or 0
    if min(sent, answered, cached, reasoning) < 0 or cached > sent or reasoning > answered:
        counts.problems.add("", "token counts that contradict each other")
        return None
    return Usage(input=sent - cached, output=answered, cache_read=cached, reasoning=reasoning)
