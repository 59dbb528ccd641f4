"""A session of Claude Code on the web, saved as one JSON object with its lines in ``loglines``."""

from __future__ import annotations

from functools import partial
from typing import Any

from chatkeep.formats.adapters.claude_code.content import HeldPlace
from chatkeep.formats.adapters.claude_code.layout import SessionFile, last_segment
from chatkeep.formats.adapters.claude_code.sessions import SessionReader, Titles
from chatkeep.formats.json_stream import fingerprint, loads
from chatkeep.formats.protocol import Member, Record, SourceConversation
from chatkeep.formats.values import Problems

_HEAD = 64 * 1024
# Of the session itself; whose it is and where it ran are not.
_IDS = ("id", "session_id", "sessionId", "uuid")
_TITLES = ("title", "name", "session_title")


def web_session(member: Member, *, name: str, revision: int) -> Record | None:
    """The session in a file; None if it holds none."""
    with member.open() as stream:
        raw = stream.read(_HEAD)
        if b'"loglines"' not in raw:
            return None
        raw += stream.read()
    return Record(where=member.name, fingerprint=fingerprint(name, revision, raw), load=partial(_load, member))


def _load(member: Member) -> SourceConversation:
    with member.open() as stream:
        data = loads(stream.read())
    lines = data.get("loglines") if isinstance(data, dict) else None
    if not isinstance(lines, list):
        raise ValueError("no list of loglines")
    named = _first(data, _IDS) or last_segment(member.name).removesuffix(".json")
    reader = SessionReader(SessionFile(member=member, name=named, folder=""))
    problems = Problems(member.name)
    for number, line in enumerate(lines, start=1):
        reader.add(line, number, HeldPlace(member, line), problems.at(f"logline {number}"))
    titles = Titles(index={named: title} if (title := _first(data, _TITLES)) else {})
    return reader.conversation(titles, found=problems)


def _first(data: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((data[key] for key in keys if isinstance(data.get(key), str) and data[key]), None)
