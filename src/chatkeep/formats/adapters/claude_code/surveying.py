"""A first look at the logs of a project: their digests, and what they say of one another."""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.claude_code.layout import SessionFile
from chatkeep.formats.adapters.claude_code.sessions import UUID, Titles
from chatkeep.formats.json_stream import lines_at, loads
from chatkeep.formats.protocol import Member, Skipped
from chatkeep.formats.values import Problems, listing, mapping

_SPOKEN = re.compile(rb'"type"\s*:\s*"(?:user|assistant|tool_use|tool_result|attachment)"')
_TIME = re.compile(rb'"timestamp"\s*:\s*"([0-9T:.Z+-]{19,35})"')
_FIRST = re.compile(rb'"type"\s*:\s*"(?:user|assistant)"')
# Lines of side chains before the thread begins.
_TRIES = 50
# A summary line begins with its type and is short.
_SUMMARY = re.compile(rb'^\s*\{\s*"type"\s*:\s*"summary"')
_SHORT = 64 * 1024
_EDGE = 4 * 1024
_INDEX_BYTES = 64 * 1024 * 1024


class Survey(msgspec.Struct, kw_only=True):
    """What one pass over a log told, without decoding it."""

    session: SessionFile
    digest: bytes
    has_messages: bool
    last_time: bytes
    first: str | None
    """Id of the first message that is not beside the thread, if it is near the beginning."""
    summaries: dict[str, str]


def survey(session: SessionFile) -> Survey:
    """Pass over a log once.

    Raises:
        UnreadableSourceError: The file cannot be opened.
    """
    digest = sha256()
    has_messages, last_time = False, b""
    first: str | None = None
    tries = _TRIES
    summaries: dict[str, str] = {}
    with session.member.open() as stream:
        for _, _, line in lines_at(stream):
            if isinstance(line, Skipped):
                digest.update(line.reason.encode())
                continue
            digest.update(line)
            digest.update(b"\n")
            has_messages = has_messages or _SPOKEN.search(line) is not None
            if tries and _FIRST.search(line):
                is_first, first = _first(line)
                tries = 0 if is_first else tries - 1
            for edge in (line[:_EDGE], line[-_EDGE:]):
                last_time = max([last_time, *_TIME.findall(edge)])
            if len(line) < _SHORT and _SUMMARY.match(line):
                summaries.update(_summary(line))
    return Survey(
        session=session,
        digest=digest.digest(),
        has_messages=has_messages,
        last_time=last_time,
        first=first,
        summaries=summaries,
    )


def _first(line: bytes) -> tuple[bool, str | None]:
    """Whether a line is a message of the thread, and its id if it has one of its own."""
    try:
        data = loads(line)
    except ValueError:
        return False, None
    if not isinstance(data, dict) or data.get("type") not in ("user", "assistant") or data.get("isSidechain") is True:
        return False, None
    uuid = data.get("uuid")
    return True, uuid if isinstance(uuid, str) and UUID.match(uuid) else None


def _summary(line: bytes) -> dict[str, str]:
    try:
        data = loads(line)
    except ValueError:
        return {}
    leaf, text = (data.get("leafUuid"), data.get("summary")) if isinstance(data, dict) else (None, None)
    return {leaf: text} if isinstance(leaf, str) and isinstance(text, str) else {}


def titles_of(surveys: list[Survey], index: Member | None, problems: Problems) -> Titles:
    """What the logs of one project, and the program's own list of them, say of titles."""
    summaries: dict[str, str] = {}
    for found in surveys:
        summaries.update(found.summaries)
    return Titles(summaries=summaries, index={} if index is None else _index(index, problems))


def _index(member: Member, problems: Problems) -> dict[str, str]:
    try:
        with member.open() as stream:
            data = mapping(loads(stream.read(_INDEX_BYTES)), problems, member.name)
    except (ValueError, UnreadableSourceError) as error:
        problems.add(member.name, str(error))
        return {}
    found: dict[str, str] = {}
    for entry in listing(data.get("entries"), problems, f"{member.name} entries"):
        if isinstance(entry, dict):
            session, summary = entry.get("sessionId"), entry.get("summary")
            if isinstance(session, str) and isinstance(summary, str) and summary.strip():
                found[session] = summary.strip()
    return found


def titles_digest(titles: Titles) -> bytes:
    """Titles that come from other files decide the outcome too."""
    pairs = [sorted(titles.summaries.items()), sorted(titles.index.items())]
    return sha256(repr(pairs).encode("utf-8", "surrogatepass")).digest()
