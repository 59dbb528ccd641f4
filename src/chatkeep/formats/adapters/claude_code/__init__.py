"""Claude Code session logs: one JSON object per line, one file per session, in a folder per project."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.claude_code.families import combined
from chatkeep.formats.adapters.claude_code.history import stand_ins
from chatkeep.formats.adapters.claude_code.layout import Layout, SessionFile, layout_of
from chatkeep.formats.adapters.claude_code.sessions import SessionReader, Titles
from chatkeep.formats.adapters.claude_code.surveying import Survey, survey, titles_digest, titles_of
from chatkeep.formats.adapters.claude_code.web import web_session
from chatkeep.formats.json_stream import fingerprint, loads
from chatkeep.formats.protocol import NotImported, Probe, Record, Skipped, Source, SourceConversation
from chatkeep.formats.values import Problems

name = "claude-code"
title = "Claude Code sessions"
revision = 1

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LOG = rf"(?:{_UUID}|agent-[A-Za-z0-9_-]+)\.jsonl"
_PROJECT_LOG = re.compile(rf"(?:^|/)projects/[^/]+/(?:.*/)?{_LOG}$")
_BARE_LOG = re.compile(rf"^(?:{_UUID}\.jsonl|(?:{_UUID}/)?subagents/.*{_LOG}|agent-[A-Za-z0-9_-]+\.jsonl)$")
_WEB = re.compile(rb'^\s*\{[\s\S]{0,4096}?"loglines"\s*:\s*\[')
_LINES = 200
# Lines that only this program writes.
_OWN = {"summary": "leafUuid", "file-history-snapshot": "messageId", "queue-operation": "operation"}


def recognises(probe: Probe) -> bool:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    if probe.kind in ("zip", "directory"):
        if any(_PROJECT_LOG.search(member) for member in probe.names):
            return True
        return any(_BARE_LOG.match(_unwrapped(member)) for member in probe.names) and (
            not probe.head or _is_log(probe.head) or not _has_rivals(probe.names)
        )
    if probe.kind != "file":
        return False
    return _is_log(probe.head) or bool(_WEB.match(probe.head)) or _is_history(probe.head)


def read(source: Source) -> Iterator[Record | Skipped | NotImported]:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    layout = layout_of(source.members())
    if source.kind == "file" and not layout.web and layout.history is None and not layout.sessions:
        # A log may have any name.
        layout.sessions = [SessionFile(member=member, name=member.name, folder="") for member in source.members()]
    yield from _sessions(layout)
    for member in layout.web:
        if (record := web_session(member, name=name, revision=revision)) is not None:
            yield record
    if layout.history is not None:
        present = {session.name for session in layout.sessions if session.agent_id is None}
        yield from stand_ins(layout.history, present, name=name, revision=revision)


def _sessions(layout: Layout) -> Iterator[Record | Skipped | NotImported]:
    folders: dict[str, list[SessionFile]] = defaultdict(list)
    for session in layout.sessions:
        folders[session.folder].append(session)
    empty = 0
    for folder, sessions in folders.items():
        surveys: list[Survey] = []
        for session in sessions:
            try:
                surveys.append(survey(session))
            except (UnreadableSourceError, OSError) as error:
                yield Skipped(session.member.name, str(error))
        problems = Problems()
        titles = titles_of(surveys, layout.indexes.get(folder), problems)
        yield from problems.found()
        told = titles_digest(titles)
        # Of files that continue one another the one that goes on longest comes last.
        families: dict[str, list[Survey]] = {}
        for found in sorted(surveys, key=lambda item: (item.last_time, item.session.name)):
            if found.has_messages:
                families.setdefault(found.first or found.session.member.name, []).append(found)
            else:
                empty += 1
        for family in families.values():
            yield _record(family, titles, told)
    if empty:
        yield NotImported("session files without messages", empty)


def _record(family: list[Survey], titles: Titles, told: bytes) -> Record:
    pieces: list[bytes] = []
    for found in family:
        session = found.session
        beside = sorted((base, member.size_bytes) for base, member in session.results.items())
        pieces += [found.digest, session.member.name.encode(), repr(beside).encode(), _meta_bytes(session)]
    return Record(
        where=family[-1].session.member.name,
        fingerprint=fingerprint(name, revision, told, *pieces),
        load=partial(_load, [found.session for found in family], titles),
    )


def _meta_bytes(session: SessionFile) -> bytes:
    if session.meta is None:
        return b""
    try:
        with session.meta.open() as stream:
            return stream.read(1 << 20)
    except (UnreadableSourceError, OSError):
        session.meta = None
        return b""


def _load(sessions: list[SessionFile], titles: Titles) -> SourceConversation:
    found: list[SourceConversation] = []
    for session in sessions:
        reader = SessionReader(session)
        with session.member.open() as stream:
            reader.read(stream)
        found.append(reader.conversation(titles))
    return combined(found)


def _unwrapped(path: str) -> str:
    """A path without the single folder that zips are often made with."""
    head, _, rest = path.partition("/")
    return rest if rest and head not in ("subagents", "sessions") and not re.fullmatch(_UUID, head) else path


def _has_rivals(names: tuple[str, ...]) -> bool:
    return any(
        member.endswith(".json") and not member.endswith((".meta.json", "sessions-index.json")) for member in names
    )


def _objects(head: bytes) -> Iterator[dict[str, Any]]:
    for line in head.split(b"\n")[:_LINES]:
        if line.strip():
            try:
                data = loads(line)
            except ValueError:
                continue
            if isinstance(data, dict):
                yield data


def _is_log(head: bytes) -> bool:
    for data in _objects(head):
        kind, message = data.get("type"), data.get("message")
        if not isinstance(kind, str):
            continue
        if kind in ("user", "assistant") and isinstance(message, dict) and "content" in message:
            return "projectHash" not in data
        if kind in _OWN and _OWN[kind] in data:
            return True
        if kind in ("system", "attachment", "progress") and "parentUuid" in data and "sessionId" in data:
            return True
    # The first line may be larger than what is seen of it: a picture was pasted.
    own = b'"parentUuid"' in head and (b'"sessionId"' in head or b'"isSidechain"' in head)
    return own and b"\n" not in head and head.lstrip()[:1] == b"{"


def _is_history(head: bytes) -> bool:
    first = next(_objects(head), None)
    return first is not None and {"display", "timestamp", "project"} <= first.keys()
