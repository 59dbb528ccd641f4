"""Reading Chatkeep's own format: the file is gone through once, a conversation's lines are decoded when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import Any

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.chatkeep.content import Contents
from chatkeep.formats.adapters.chatkeep.decoding import Gathered, decoded
from chatkeep.formats.adapters.chatkeep.lines import (
    ATTACHMENT_START,
    BYTES_START,
    MAGIC,
    MESSAGE_START,
    VERSION,
    name,
    revision,
)
from chatkeep.formats.json_stream import fingerprint, lines_at, loads
from chatkeep.formats.protocol import Member, Probe, Record, Skipped, Source
from chatkeep.formats.values import Problems, integer, mapping

_KINDS = ("message", "attachment", "of", "conversation", "end_of", "end", "chatkeep")
_STARTS = {MESSAGE_START: "message", ATTACHMENT_START: "attachment", BYTES_START: "of"}


def recognises(probe: Probe) -> bool:
    """See :class:`chatkeep.formats.FormatAdapter`."""
    return probe.kind != "sqlite" and probe.head.startswith(MAGIC)


def read(source: Source) -> Iterator[Record | Skipped]:
    """See :class:`chatkeep.formats.FormatAdapter`; of a zip or folder every file of this format is read."""
    members = [member for member in source.members() if source.kind == "file" or _is_ours(member)]
    if not members:
        raise UnreadableSourceError(f"{source.path}: holds no Chatkeep export")
    contents = Contents()
    for member in members:
        yield from _MemberReader(member, contents).records()


def _is_ours(member: Member) -> bool:
    if not member.name.endswith(".jsonl"):
        return False
    with member.open() as stream:
        return stream.read(len(MAGIC) + 3).removeprefix(b"\xef\xbb\xbf").startswith(MAGIC)


class _MemberReader:
    def __init__(self, member: Member, contents: Contents) -> None:
        self._member = member
        self._contents = contents
        self._open: Gathered | None = None
        self._all = sha256()
        self._conversations = 0
        self._ended = False

    def records(self) -> Iterator[Record | Skipped]:
        with self._member.open() as stream:
            for number, offset, line in lines_at(stream, where=self._member.name):
                if isinstance(line, Skipped):
                    yield from self._lost(line)
                elif line and not line.isspace():
                    yield from self._take(number, offset, line)
        yield from self._close("cut off: the conversation does not end")
        if not self._ended:
            yield Skipped(self._member.name, "cut off: the file's last line is missing, and perhaps conversations")

    def _take(self, number: int, offset: int, line: bytes) -> Iterator[Record | Skipped]:
        try:
            kind, value = _kind(line)
        except ValueError as error:
            yield from self._lost(Skipped(self._place(number), f"not a line of this format: {error}"))
            return
        if kind in ("conversation", "chatkeep", "end"):
            yield from self._close("lines are missing: the conversation does not end")
        if kind in ("chatkeep", "end"):
            yield from self._frame(kind, value, number)
        elif kind == "conversation":
            self._open = Gathered(self._place(number), line)
        elif self._open is None:
            yield Skipped(self._place(number), "belongs to no conversation")
        elif kind == "end_of":
            yield from self._close(None, mapping(value, Problems(), ""))
        else:
            self._gather(self._open, kind, offset, line)
        self._all.update(line + b"\n")

    def _gather(self, gathered: Gathered, kind: str, offset: int, line: bytes) -> None:
        gathered.digest.update(line + b"\n")
        if kind == "message":
            gathered.messages.append(line)
        elif kind == "attachment":
            gathered.attachments.append(line)
            # Its content begins where this line ends; only the lines after tell whether there is any.
            self._contents.note(line, self._member, offset + len(line) + 1)

    def _frame(self, kind: str, value: Any, number: int) -> Iterator[Skipped]:
        fields = mapping(value, Problems(), "")
        if kind == "chatkeep":
            version = integer(fields.get("chatkeep"), Problems(), "")
            if version is None or version > VERSION:
                raise UnreadableSourceError(f"{self._member.name}: written by a newer Chatkeep (format {version})")
            self._all, self._conversations = sha256(), 0
            return
        self._ended = True
        totals = mapping(fields.get("end"), Problems(), "")
        if totals.get("conversations") != self._conversations:
            yield Skipped(
                self._place(number),
                f"{totals.get('conversations')} conversations were written, {self._conversations} are here",
            )
        elif totals.get("sha256") != self._all.hexdigest():
            yield Skipped(self._place(number), "the file is not as it was written: it was damaged or edited")

    def _close(self, problem: str | None, end: dict[str, Any] | None = None) -> Iterator[Record]:
        gathered, self._open = self._open, None
        if gathered is None:
            return
        if end is not None and end.get("sha256") != gathered.digest.hexdigest():
            problem = "the conversation is not as it was written: it was damaged or edited"
        if problem is not None:
            gathered.problems.append(Skipped(gathered.where, problem))
        self._conversations += 1
        yield Record(
            where=gathered.where,
            fingerprint=fingerprint(name, revision, gathered.digest.digest()),
            load=partial(decoded, gathered, self._contents),
        )

    def _lost(self, skipped: Skipped) -> Iterator[Skipped]:
        if self._open is None:
            yield skipped
        else:
            self._open.problems.append(skipped)

    def _place(self, number: int) -> str:
        return f"{self._member.name} line {number}"


def _kind(line: bytes) -> tuple[str, Any]:
    """What a line is; its value only for the few kinds that are needed at once."""
    for start, kind in _STARTS.items():
        if line.startswith(start):
            return kind, None
    value = loads(line)
    if isinstance(value, dict):
        for kind in _KINDS:
            if kind in value:
                return kind, value
    raise ValueError("no known key")
