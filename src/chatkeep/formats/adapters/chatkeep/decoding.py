"""Turning a conversation's lines into values; a file in our format may still come from anybody."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from chatkeep.formats.adapters.chatkeep.content import Contents
from chatkeep.formats.json_stream import loads
from chatkeep.formats.protocol import OwnConversation, Skipped, SourceAttachment
from chatkeep.formats.values import Problems, listing, mapping
from chatkeep.model import Attachment, Conversation, Message, Part, Project, RawPart

S = TypeVar("S", bound=msgspec.Struct)

_INT64 = 2**63
_QUOTED = re.compile(r"'[^']*'")


class Gathered:
    """The raw lines of one conversation, without the bytes of its attachments."""

    def __init__(self, where: str, line: bytes) -> None:
        self.where = where
        self.conversation = line
        self.attachments: list[bytes] = []
        self.messages: list[bytes] = []
        self.problems: list[Skipped] = []
        self.digest = sha256(line + b"\n")


def decoded(gathered: Gathered, contents: Contents) -> OwnConversation:
    """The conversation that the lines say.

    Raises:
        ValueError: The header itself cannot be used; lines below it can only become problems.
    """
    problems = Problems(gathered.where)
    problems.add_all(tuple(gathered.problems))
    header = mapping(loads(gathered.conversation, problems=problems), problems, "")
    conversation = _struct(header.get("conversation"), Conversation, problems, "conversation")
    project = _optional_project(header.get("project"), problems)
    values = [value for line in gathered.attachments if (value := _attachment(line, problems)) is not None]
    return OwnConversation(
        conversation=conversation,
        project=project,
        messages=_in_order(_messages(gathered, conversation.id, problems), problems),
        attachments=tuple(_source_attachment(value, contents) for value in values),
        attachment_values=tuple(values),
        problems=problems.found(),
    )


def _optional_project(value: object, problems: Problems) -> Project | None:
    return None if value is None else _struct(value, Project, problems, "project")


def _attachment(line: bytes, problems: Problems) -> Attachment | None:
    try:
        return _struct(_inside(line, "attachment", problems), Attachment, problems, "attachment")
    except ValueError as error:
        problems.add("attachment", str(error))
        return None


def _source_attachment(value: Attachment, contents: Contents) -> SourceAttachment:
    return SourceAttachment(
        source_id=value.id,
        name=value.name,
        media_type=value.media_type,
        open=contents.opener(value),
        size_bytes=value.size_bytes,
        kind=value.kind,
        created_at=value.created_at,
        extra=value.extra,
    )


def _messages(gathered: Gathered, conversation_id: str, problems: Problems) -> list[Message]:
    found = []
    for number, line in enumerate(gathered.messages, start=1):
        place = problems.at(f"message {number}")
        try:
            message = _message(_inside(line, "message", place), place)
        except (ValueError, RecursionError) as error:
            place.add("", str(error))
            continue
        if message.conversation_id != conversation_id:
            place.add("conversation_id", "names another conversation")
            message = msgspec.structs.replace(message, conversation_id=conversation_id)
        found.append(message)
    return found


def _message(value: object, problems: Problems) -> Message:
    try:
        return _struct(value, Message, problems, "")
    except ValueError:
        # A newer Chatkeep may know more kinds of parts than this one: keep such a part as it is.
        fields = mapping(value, problems, "")
        parts = [_part(part, problems) for part in listing(fields.get("parts"), problems, "parts")]
        return _struct({**fields, "parts": msgspec.to_builtins(parts)}, Message, problems, "")


def _part(value: object, problems: Problems) -> Part:
    try:
        part: Part = msgspec.convert(value, Part)
        return part
    except msgspec.ValidationError:
        kind = str(mapping(value, Problems(), "").get("type", "unknown"))[:100]
        problems.add("parts", "a part of unknown shape was kept raw")
        return RawPart(kind=kind, data=value)


def _inside(line: bytes, key: str, problems: Problems) -> object:
    return mapping(loads(line, problems=problems), problems, "").get(key)


def _struct(value: object, kind: type[S], problems: Problems, field: str) -> S:
    """A value of ours with UTC times and numbers of 64 bits, or an error; unknown fields are reported."""
    try:
        result = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        # msgspec quotes values; reports must not.
        raise ValueError(_QUOTED.sub("'...'", str(error))) from error
    unknown = set(mapping(value, Problems(), "")) - set(kind.__struct_fields__)
    if unknown:
        problems.add(field, f"{len(unknown)} fields that this Chatkeep does not know were left out")
    return _sound(result)


def _sound(value: S) -> S:
    changes: dict[str, Any] = {}
    for field in value.__struct_fields__:
        item = getattr(value, field)
        if isinstance(item, datetime):
            changes[field] = item.replace(tzinfo=UTC) if item.tzinfo is None else _in_utc(item)
        elif isinstance(item, int) and not -_INT64 <= item < _INT64:
            raise ValueError(f"{field} is out of range")
        elif isinstance(item, msgspec.Struct):
            changes[field] = _sound(item)
    return msgspec.structs.replace(value, **changes) if changes else value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time is out of range") from error


def _in_order(messages: list[Message], problems: Problems) -> tuple[Message, ...]:
    seqs = [message.seq for message in messages]
    if all(later > earlier for earlier, later in zip([0, *seqs], seqs, strict=False)):
        return tuple(messages)
    problems.add("messages", "numbers were not in order: they were given anew")
    return tuple(msgspec.structs.replace(message, seq=seq) for seq, message in enumerate(messages, start=1))
