"""One session log, read into one conversation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, BinaryIO

import msgspec

from chatkeep.formats.adapters.claude_code.content import Place
from chatkeep.formats.adapters.claude_code.drafts import Draft, absorb
from chatkeep.formats.adapters.claude_code.layout import SessionFile
from chatkeep.formats.adapters.claude_code.messages import Line, MessageReader
from chatkeep.formats.adapters.claude_code.metadata import Metadata
from chatkeep.formats.adapters.claude_code.thread import Thread
from chatkeep.formats.json_stream import lines_at, loads
from chatkeep.formats.protocol import Skipped, SourceConversation, SourceProject
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Text, ToolCall, ToolResult

UUID = re.compile(r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")

_MESSAGES = {"user", "assistant", "system", "attachment"}
_SPOKEN = {"user", "assistant", "tool_use", "tool_result"}
_SAYING = ("type", "message", "attachment", "content", "toolUseResult", "timestamp", "name", "input", "output")
_METADATA = {"progress", "summary", "queue-operation", "file-history-snapshot", "file-history-delta"}


class Titles(msgspec.Struct, kw_only=True):
    """What other files of a project say of its sessions."""

    summaries: dict[str, str] = {}
    """By the line that the summarised branch ends at."""
    index: dict[str, str] = {}
    """By session id."""


class SessionReader:
    """Reads lines one after the other; :meth:`conversation` puts together what they made."""

    def __init__(self, session: SessionFile) -> None:
        self._session = session
        self._problems = Problems(session.member.name)
        self._reader = MessageReader(session.results)
        self._thread = Thread()
        self._metadata = Metadata()
        self._replies: dict[tuple[str, str, bool], Draft] = {}
        self._digests: dict[str, bytes] = {}
        self._nameless_counts: Counter[str] = Counter()
        self._hidden: list[str] = []
        self._first: dict[bool, str] = {}

    def read(self, stream: BinaryIO) -> None:
        """Take in a whole log."""
        member = self._session.member
        for number, offset, raw in lines_at(stream, where=member.name):
            if isinstance(raw, Skipped):
                self._problems.add_all((raw,))
            elif raw and not raw.isspace():
                problems = self._problems.at(f"line {number}")
                try:
                    data = loads(raw, problems=problems)
                except ValueError as error:
                    # The last line of a log that is being written is often torn.
                    problems.add("", str(error))
                    continue
                self.add(data, number, Place(member, offset, len(raw)), problems)

    def add(self, data: Any, number: int, place: Place, problems: Problems) -> None:
        """Take in one line."""
        if not isinstance(data, dict):
            problems.add("", "not an object")
            return
        kind = data.get("type")
        if not isinstance(kind, str):
            problems.add("type", "missing or not text")
            kind = ""
        uuid, parent = data.get("uuid"), data.get("parentUuid")
        is_message = kind in _MESSAGES or (isinstance(uuid, str) and kind not in _METADATA and bool(kind))
        if is_message or kind in _SPOKEN:
            self._message(kind, data, number, place, problems)
            return
        if isinstance(uuid, str):
            self._thread.pass_through(uuid, parent if isinstance(parent, str) else None)
        self._metadata.add(kind, data, problems)

    def _message(self, kind: str, data: dict[str, Any], number: int, place: Place, problems: Problems) -> None:
        line_id = self._line_id(data, number, problems)
        if line_id is None:
            return
        if kind in ("user", "assistant"):
            self._first.setdefault(data.get("isSidechain") is True, line_id)
        line = Line(data, Fields(data, problems), line_id, number, place, kind)
        draft = self._reader.draft(line)
        self._note(draft, data)
        key = _reply_key(data)
        first = self._replies.get(key) if key is not None and kind == "assistant" else None
        if first is not None:
            absorb(first, draft)
            self._thread.pass_through(line_id, first.id)
            return
        if key is not None and kind == "assistant":
            self._replies[key] = draft
        self._thread.add(draft)

    def _line_id(self, data: dict[str, Any], number: int, problems: Problems) -> str | None:
        """The id of a line; None for one that was there before."""
        uuid = data.get("uuid")
        if not isinstance(uuid, str) or not uuid:
            if uuid is not None:
                problems.add("uuid", "not an id")
            return self._nameless(data)
        digest = _digest(data)
        if self._digests.setdefault(uuid, digest) == digest and not self._thread.is_known(uuid):
            return uuid
        if self._digests[uuid] == digest:
            self._metadata.left_out("repeated line")
            return None
        problems.add("uuid", "an earlier line with other content has it too")
        return f"{uuid}#{number}"

    def _nameless(self, data: dict[str, Any]) -> str:
        # Of what it says, not of its place: a copy in another file, or a file cut at its beginning, gives the same.
        base = f"line-{_digest(data).hex()[:16]}"
        self._nameless_counts[base] += 1
        count = self._nameless_counts[base]
        return base if count == 1 else f"{base}-{count}"

    def _note(self, draft: Draft, data: dict[str, Any]) -> None:
        self._metadata.leaf = None
        for key in ("supersedesUuids", "retractedMessageUuids"):
            named = data.get(key)
            if isinstance(named, list):
                self._hidden.extend(item for item in named if isinstance(item, str))
        result = data.get("toolUseResult")
        if isinstance(result, dict) and "agentId" in result:
            for part in draft.parts:
                if isinstance(part, ToolResult):
                    self._metadata.link(result["agentId"], part.call_id)

    def conversation(self, titles: Titles, *, found: Problems | None = None) -> SourceConversation:
        """Everything that was read, and the problems that the caller found in it.

        Raises:
            ValueError: There was no message in it.
        """
        thread, metadata = self._thread, self._metadata
        if not thread.drafts:
            raise ValueError("a session without messages")
        if found is not None:
            self._problems.add_all(found.found())
        thread.link(self._problems)
        self._annotate()
        head = thread.head(metadata.leaf)
        header = self._reader.header
        workspace = header.pop("cwd", None)
        session_id = self._session_id()
        messages = tuple(draft.message() for draft in thread.drafts.values())
        times = [message.created_at for message in messages if message.created_at is not None]
        ended = [message.completed_at for message in messages if message.completed_at is not None]
        settings, extra = self._kept(header, session_id)
        family = self._family(session_id)
        return SourceConversation(
            source_id=family,
            scope=family,
            title=self._title(titles, session_id, extra),
            kind="agent",
            workspace=workspace,
            agent=self._agent(extra),
            session_id=session_id,
            project=None if not workspace else SourceProject(source_id=workspace, name=_base_name(workspace)),
            created_at=self._began() or min(times, default=None),
            updated_at=max([*times, *ended], default=None),
            head_id=head,
            tags=(metadata.tag,) if metadata.tag else (),
            settings=settings,
            messages=messages,
            attachments=tuple(self._reader.files.values()),
            extra=extra,
            problems=self._problems.found(),
        )

    def _annotate(self) -> None:
        thread = self._thread
        for named in self._hidden:
            if (found := thread.resolve(named)) is not None:
                thread.drafts[found].hidden = True
        agents = {call: agent for agent, call in self._metadata.agents.items()}
        if agents:
            for draft in thread.drafts.values():
                for part in draft.parts:
                    if isinstance(part, ToolCall) and part.id in agents:
                        part.extra["agentId"] = agents[part.id]
        for line_id, checkpoints in self._metadata.checkpoints.items():
            found = thread.resolve(line_id)
            if found is None:
                self._metadata.left_out("checkpoint of no message", len(checkpoints))
            else:
                thread.drafts[found].extra.setdefault("checkpoints", []).extend(checkpoints)

    def _session_id(self) -> str:
        named = next(iter(self._reader.session_ids), None)
        if self._session.agent_id is not None:
            return f"agent-{self._session.agent_id}"
        # Lines copied from a continued session may still carry its id; the file's name is always right, if it is one.
        return self._session.name if UUID.match(self._session.name) or not named else named

    def _family(self, session_id: str) -> str:
        """What all files that were continued or forked from one another have in common: their first message."""
        first = self._first.get(False) or self._first.get(True)
        if first is not None and UUID.match(first):
            return first
        if self._session.agent_id is not None:
            return f"{self._parent_session() or ''}/{session_id}"
        return session_id

    def _parent_session(self) -> str | None:
        own = f"agent-{self._session.agent_id}"
        named = next((found for found in self._reader.session_ids if found != own), None)
        return self._session.parent_session or named

    def _began(self) -> datetime | None:
        # When the family began: the same in each of its files, whatever was written before the first message.
        first = self._thread.resolve(self._first.get(False) or self._first.get(True))
        return None if first is None else self._thread.drafts[first].created_at

    def _kept(self, header: dict[str, str], session_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        said = {
            part.text.strip()
            for draft in self._thread.drafts.values()
            for part in draft.parts
            if isinstance(part, Text)
        }
        kept: dict[str, Any] = {**header, **self._metadata.kept(said)}
        settings: dict[str, Any] = {}
        for kind, key in (("mode", "mode"), ("permission-mode", "permissionMode")):
            value = kept.pop(kind, {}).get(key) or kept.pop(key, None)
            if value:
                settings[key] = value
        others = [found for found in self._reader.session_ids if found != session_id]
        if self._session.agent_id is not None:
            parent = self._parent_session()
            if parent is not None:
                kept["parentSessionId"] = parent
            others = [found for found in others if found != parent]
            kept["agentId"] = self._session.agent_id
            kept = {**kept, **dict(_meta(self._session, self._problems))}
        if others:
            kept["sessionIds"] = others
        return settings, kept

    def _agent(self, extra: dict[str, Any]) -> str:
        setting = extra.get("agent-setting")
        chosen = setting.get("agentSetting") if isinstance(setting, dict) else None
        for value in (chosen, extra.get("agentType"), extra.get("attributionAgent")):
            if isinstance(value, str) and value:
                return value
        return "claude-code" if self._session.agent_id is None else "sub-agent"

    def _title(self, titles: Titles, session_id: str, extra: dict[str, Any]) -> str | None:
        metadata = self._metadata
        if title := metadata.custom_title or metadata.ai_title:
            return title
        places = {line_id: place for place, line_id in enumerate(self._thread.drafts)}
        best: tuple[int, str] | None = None
        for summaries in (titles.summaries, metadata.summaries):
            for leaf, text in summaries.items():
                found = self._thread.resolve(leaf) if self._thread.is_known(leaf) else None
                if found is not None and text.strip() and (best is None or places[found] >= best[0]):
                    best = (places[found], text.strip())
        if best is not None:
            return best[1]
        description = extra.get("description") if self._session.agent_id is not None else None
        return titles.index.get(session_id) or (description if isinstance(description, str) else None)


def _reply_key(data: dict[str, Any]) -> tuple[str, str, bool] | None:
    message, request = data.get("message"), data.get("requestId")
    reply = message.get("id") if isinstance(message, dict) else None
    if not isinstance(reply, str) or not reply:
        return None
    return reply, request if isinstance(request, str) else "", data.get("isSidechain") is True


def _digest(data: dict[str, Any]) -> bytes:
    """Of what a line says; where it was written down again does not count."""
    said = [data.get(key) for key in _SAYING]
    try:
        return sha256(msgspec.json.encode(said)).digest()
    except (ValueError, OverflowError, RecursionError):
        return sha256(repr(said).encode("utf-8", "replace")).digest()


def _base_name(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or path


def _meta(session: SessionFile, problems: Problems) -> Iterator[tuple[str, Any]]:
    """What lies beside a sub-agent's log: its kind, how deep it was started, what for."""
    if session.meta is None:
        return
    with session.meta.open() as stream:
        raw = stream.read(1 << 20)
    try:
        fields = Fields(loads(raw), problems, session.meta.name)
    except ValueError:
        problems.add(session.meta.name, "not JSON")
        return
    yield from fields.rest().items()
