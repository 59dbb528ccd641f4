"""``history.jsonl``: every prompt that was typed; all that is left of sessions whose logs were cleaned away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from chatkeep.formats.json_stream import fingerprint, lines_at, loads
from chatkeep.formats.protocol import Member, Record, Skipped, SourceConversation, SourceMessage, SourceProject
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Text, to_us

_SESSION = re.compile(rb'"sessionId"\s*:\s*"([^"\\]{1,200})"')
_PASTE = re.compile(r"\[Pasted text #(\d{1,6})[^\]\n]{0,60}\]")

Lines = list[tuple[int, bytes]]


def stand_ins(member: Member, present: set[str], *, name: str, revision: int) -> Iterator[Record | Skipped]:
    """A conversation for each session without a log in this source, one per project for prompts of no session."""
    by_session: dict[str, Lines] = {}
    sessionless: dict[str, Lines] = {}
    with member.open() as stream:
        for number, _, raw in lines_at(stream, where=member.name):
            if isinstance(raw, Skipped):
                yield raw
            elif raw and not raw.isspace():
                found = _SESSION.findall(raw)
                # A prompt may quote such a key; the entry's own comes last.
                session = found[-1].decode("utf-8", "replace") if found else None
                if session is None:
                    sessionless.setdefault(_project(raw), []).append((number, raw))
                elif session not in present:
                    by_session.setdefault(session, []).append((number, raw))
    for groups, is_session in ((by_session, True), (sessionless, False)):
        for key, lines in groups.items():
            yield Record(
                where=f"{member.name} line {lines[0][0]}",
                fingerprint=fingerprint(name, revision, b"\n".join(raw for _, raw in lines)),
                load=partial(_load, member.name, key, lines, is_session=is_session),
            )


def _project(raw: bytes) -> str:
    try:
        data = loads(raw)
    except ValueError:
        return ""
    project = data.get("project") if isinstance(data, dict) else None
    return project if isinstance(project, str) else ""


def _load(where: str, key: str, lines: Lines, *, is_session: bool) -> SourceConversation:
    problems = Problems(where)
    messages: list[SourceMessage] = []
    seen: dict[str, int] = {}
    project: str | None = None
    for number, raw in lines:
        at = problems.at(f"line {number}")
        try:
            fields = Fields(loads(raw, problems=at), at)
        except ValueError as error:
            at.add("", str(error))
            continue
        project = fields.text("project") or project
        messages.append(_prompt(fields, number, seen, messages[-1].source_id if messages else None))
    if not messages:
        raise ValueError("no prompt could be read")
    times = [message.created_at for message in messages if message.created_at is not None]
    source_id = f"history/{key}"
    return SourceConversation(
        source_id=source_id,
        scope=source_id,
        title=None if is_session else f"Prompts typed in {key or 'an unknown folder'}",
        kind="agent",
        workspace=project,
        agent="claude-code",
        session_id=key if is_session else None,
        project=SourceProject(
            source_id=project, name=project.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or project
        )
        if project
        else None,
        stand_in=is_session,
        # Most of these prompts stand in a session too, and nothing says in which: kept, but out of the way.
        archived=not is_session,
        created_at=min(times, default=None),
        updated_at=max(times, default=None),
        head_id=messages[-1].source_id,
        messages=tuple(messages),
        extra={"history": True},
        problems=problems.found(),
    )


def _prompt(fields: Fields, number: int, seen: dict[str, int], parent: str | None) -> SourceMessage:
    moment = fields.time_from_ms("timestamp")
    fields.ignore("sessionId", "project")
    text, left = _pasted(fields)
    name = str(to_us(moment) // 1000) if moment else f"line-{number}"
    seen[name] = seen.get(name, 0) + 1
    return SourceMessage(
        source_id=name if seen[name] == 1 else f"{name}-{seen[name]}",
        parent_id=parent,
        role="user",
        parts=(Text(text=text),),
        created_at=moment,
        extra={**fields.rest(), **left},
    )


def _pasted(fields: Fields) -> tuple[str, dict[str, Any]]:
    """What was typed, with the text behind each ``[Pasted text #n]`` in its place, and what was pasted else."""
    display = fields.text("display") or ""
    pasted = fields.mapping("pastedContents")
    contents = {
        key: value["content"]
        for key, value in pasted.items()
        if isinstance(value, dict) and isinstance(value.get("content"), str) and value.get("type") == "text"
    }
    used: set[str] = set()

    def text_of(match: re.Match[str]) -> str:
        if match[1] in contents and match[1] not in used:
            used.add(match[1])
            return str(contents[match[1]])
        return match[0]

    shown = _PASTE.sub(text_of, display)
    left = {key: value for key, value in pasted.items() if key not in used}
    if any(not (isinstance(value, dict) and value.get("content")) for value in left.values()):
        # Pictures, and texts that are kept elsewhere under a hash.
        fields.problems.add("pastedContents", "some of what was pasted is not in this file")
    return shown, {"pastedContents": left} if left else {}
