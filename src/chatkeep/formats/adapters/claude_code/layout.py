"""Which file of a Claude Code directory is what, told by names alone; older and newer layouts lie side by side."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from chatkeep.formats.protocol import Member

_AGENT = re.compile(r"^agent-(?P<id>[A-Za-z0-9_-]+)\.jsonl$")
_META = re.compile(r"^agent-(?P<id>[A-Za-z0-9_-]+)\.meta\.json$")
_IN_PROJECTS = re.compile(r"(?:^|/)projects/")
_SUBAGENTS = re.compile(r"(?:^|/)(?P<session>[^/]+)/subagents/")
_RESULTS = re.compile(r"^(?:(?P<folder>.*)/)?tool-results/(?P<base>[^/]+)$")


def last_segment(path: str) -> str:
    """The file name at the end of an untrusted path."""
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


class SessionFile(msgspec.Struct, kw_only=True):
    """A log and what belongs to it."""

    member: Member
    name: str
    """The file's name without suffix: the session id, or ``agent-<id>``."""
    folder: str
    """The project's folder."""
    agent_id: str | None = None
    """None for a main session."""
    parent_session: str | None = None
    """The session that a sub-agent works for, if the path says it."""
    meta: Member | None = None
    results: dict[str, Member] = {}
    """Outputs that were too long for the log, by file name."""


class Layout(msgspec.Struct, kw_only=True):
    """Everything of a source that is read."""

    sessions: list[SessionFile] = []
    web: list[Member] = []
    """JSON files outside of the known places: sessions saved from the web, perhaps."""
    history: Member | None = None
    indexes: dict[str, Member] = {}
    """``sessions-index.json`` by project folder."""
    other_lines: int = 0


def layout_of(members: Iterable[Member]) -> Layout:
    """Sort the files of a config directory, of one project's folder, of one session's, or a single file."""
    known = list(members)
    within = any(_IN_PROJECTS.search(member.name) for member in known)
    found = Layout(sessions=[], web=[], indexes={})
    metas: dict[tuple[str, str], Member] = {}
    results: dict[str, dict[str, Member]] = defaultdict(dict)
    for member in known:
        folder, _, base = member.name.rpartition("/")
        if match := _RESULTS.match(member.name):
            results[match["folder"] or ""][match["base"]] = member
        elif match := _META.match(base):
            metas[folder, match["id"]] = member
        elif base == "sessions-index.json":
            found.indexes[folder] = member
        else:
            _add(found, member, is_outside=within and not _IN_PROJECTS.search(member.name))
    for session in found.sessions:
        folder = session.member.name.rpartition("/")[0]
        session.meta = metas.get((folder, session.agent_id or ""))
        session.results = _results_of(session, results)
    return found


def _add(found: Layout, member: Member, *, is_outside: bool) -> None:
    folder, _, base = member.name.rpartition("/")
    if base == "history.jsonl":
        if found.history is None or member.name.count("/") < found.history.name.count("/"):
            found.history = member
    elif base.endswith(".jsonl"):
        if is_outside:
            found.other_lines += 1
        else:
            found.sessions.append(_session(member, folder, base))
    elif base.endswith(".json") and not is_outside:
        found.web.append(member)


def _session(member: Member, folder: str, base: str) -> SessionFile:
    agent = _AGENT.match(base)
    parent = _SUBAGENTS.search(member.name)
    project = member.name[: parent.start()] if parent else folder
    return SessionFile(
        member=member,
        name=base.removesuffix(".jsonl"),
        folder=project,
        agent_id=agent["id"] if agent else None,
        parent_session=parent["session"] if parent else None,
    )


def _results_of(session: SessionFile, results: dict[str, dict[str, Member]]) -> dict[str, Member]:
    # Only the session's own folder: a path in a log is untrusted, and says nothing but a name there.
    owner = session.parent_session or session.name
    folder = f"{session.folder}/{owner}" if session.folder else owner
    return results.get(folder) or (results.get("", {}) if session.parent_session is None else {})
