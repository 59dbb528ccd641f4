"""Claude.ai data export: a zip or folder of JSON files, some of them alone, or a capture of the web API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.claude.conversations import conversation
from chatkeep.formats.adapters.claude.design_chats import design_chat
from chatkeep.formats.adapters.claude.files import last_segment
from chatkeep.formats.json_stream import array_items, fingerprint, loads
from chatkeep.formats.protocol import (
    Member,
    NotImported,
    Probe,
    Record,
    Skipped,
    Source,
    SourceConversation,
    SourceProject,
)
from chatkeep.formats.values import Fields, Problems

name = "claude"
title = "Claude.ai data export"
revision = 1

_HEAD = 64 * 1024
_CHAT = re.compile(rb'"chat_messages"\s*:')
_DESIGN = re.compile(rb'"(?:contentBlocks|authorAccountUuid|turnChanges)"\s*:')
_PROJECT = re.compile(rb'"(?:is_starter_project|prompt_template)"\s*:')
_MANIFEST = re.compile(r"^manifest-[0-9a-f-]{8,}.*\.json$")
# Beside conversations.json these are Claude's; OpenAI's export calls its own user.json.
_BESIDE = {"users.json", "memories.json", "projects.json"}


def recognises(probe: Probe) -> bool:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    if probe.kind in ("zip", "directory"):
        bases = {last_segment(member) for member in probe.names}
        chats = any(base.startswith("conversations") and base.endswith(".json") for base in bases)
        folders = any(
            _folder(member) in ("design_chats", "projects") and member.endswith(".json") for member in probe.names
        )
        return (chats and (bool(_CHAT.search(probe.head)) or bool(bases & _BESIDE))) or (
            folders and bool(bases & _BESIDE or _DESIGN.search(probe.head) or _PROJECT.search(probe.head))
        )
    if probe.kind != "file":
        return False
    if _MANIFEST.match(probe.path.name) and probe.head.lstrip()[:1] in (b"{", b"["):
        return True
    begins = re.match(rb'\s*(?:\[\s*)?\{\s*"', probe.head)
    return begins is not None and bool(_CHAT.search(probe.head) or _DESIGN.search(probe.head))


def read(source: Source) -> Iterator[Record | Skipped | NotImported]:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    members = source.members()
    kinds = {member.name: _kind(source, member) for member in members}
    if "manifest" in kinds.values() and "chats" not in kinds.values():
        raise UnreadableSourceError(
            f"{last_segment(source.path.name)} only lists where to download the export, through links that expire: "
            "download the zip files it names and import those"
        )
    projects = _Projects([member for member in members if kinds[member.name] == "projects"])
    for member in members:
        if kinds[member.name] == "chats":
            yield from _chats(member, projects)
        elif kinds[member.name] == "design":
            yield from _design_chats(member)
    if projects.count:
        yield NotImported("projects", projects.count)
    if projects.documents:
        yield NotImported("project documents", projects.documents)
    for kind, what in (("memories", "memories"), ("users", "account data")):
        if found := sum(value == kind for value in kinds.values()):
            yield NotImported(what, found)


def _folder(path: str) -> str:
    parts = path.replace("\\", "/").split("/")
    return parts[-2] if len(parts) > 1 else ""


def _kind(source: Source, member: Member) -> str:
    base = last_segment(member.name)
    if _MANIFEST.match(base):
        return "manifest"
    if source.kind == "file":
        return _kind_of_content(member)
    if not base.endswith(".json"):
        return ""
    if _folder(member.name) == "design_chats":
        return "design"
    if _folder(member.name) == "projects" or base.startswith("projects"):
        return "projects"
    for kind in ("users", "memories"):
        if base.startswith(kind):
            return kind
    return "chats" if base.startswith("conversations") else ""


def _kind_of_content(member: Member) -> str:
    with member.open() as stream:
        head = stream.read(_HEAD)
    if _CHAT.search(head):
        return "chats"
    if _DESIGN.search(head):
        return "design"
    return "projects" if _PROJECT.search(head) else "chats"


def _items(member: Member) -> Iterator[tuple[str, bytes | Skipped]]:
    """The records of a file, which is a list of them or one alone, each with its place."""
    with member.open() as stream:
        first = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    with member.open() as stream:
        if first == b"{":
            yield member.name, stream.read()
            return
        for number, item in array_items(stream, where=member.name):
            yield f"{member.name} item {number}", item


def _chats(member: Member, projects: _Projects) -> Iterator[Record | Skipped]:
    for where, item in _items(member):
        if isinstance(item, Skipped):
            yield item
            continue
        # Only a capture of the web API says which project a conversation is in.
        more = (projects.digest,) if b'"project' in item else ()
        yield Record(
            where=where,
            fingerprint=fingerprint(name, revision, item, *more),
            load=partial(_load_chat, item, where, projects),
        )


def _load_chat(raw: bytes, where: str, projects: _Projects) -> SourceConversation:
    problems = Problems(where)
    data = _object(raw, problems)
    fallback_id = fingerprint(name, 0, raw)
    if "chat_messages" not in data and isinstance(data.get("messages"), list):
        return design_chat(data, fallback_id=fallback_id, problems=problems)
    if "chat_messages" not in data and "uuid" not in data:
        raise ValueError("neither uuid nor chat_messages: not a conversation of Claude")
    return conversation(data, fallback_id=fallback_id, problems=problems, projects=projects.known)


def _design_chats(member: Member) -> Iterator[Record | Skipped]:
    for where, item in _items(member):
        if isinstance(item, Skipped):
            yield item
        else:
            yield Record(
                where=where, fingerprint=fingerprint(name, revision, item), load=partial(_load_design, item, where)
            )


def _load_design(raw: bytes, where: str) -> SourceConversation:
    problems = Problems(where)
    return design_chat(_object(raw, problems), fallback_id=fingerprint(name, 0, raw), problems=problems)


def _object(raw: bytes, problems: Problems) -> dict[str, Any]:
    data = loads(raw, problems=problems)
    if not isinstance(data, dict):
        raise ValueError("not an object")
    return data


class _Projects:
    """What the export says of projects; conversations in it do not say which one they are in."""

    def __init__(self, members: list[Member]) -> None:
        self.known: dict[str, SourceProject] = {}
        self.count = 0
        self.documents = 0
        pieces: list[bytes] = []
        for member in members:
            for where, item in _items(member):
                if isinstance(item, bytes):
                    self._add(item, where)
                    pieces.append(item)
        self.digest = fingerprint(name, revision, b"", *pieces).encode()

    def _add(self, raw: bytes, where: str) -> None:
        problems = Problems(where)
        try:
            fields = Fields(_object(raw, problems), problems)
        except ValueError:
            return
        self.count += 1
        self.documents += len(fields.listing("docs"))
        uuid = fields.text("uuid")
        if not uuid:
            return
        # Who made it is a person's name.
        fields.ignore("creator")
        self.known[uuid] = SourceProject(
            source_id=uuid,
            name=fields.text("name") or "",
            description=fields.text("description") or None,
            instructions=fields.text("prompt_template") or None,
            created_at=fields.time_from_iso("created_at"),
            updated_at=fields.time_from_iso("updated_at"),
            extra=fields.rest(),
        )
