"""What recognising looks at."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Member
from chatkeep.formats.sources.databases import table_names
from chatkeep.formats.sources.opening import OpenedSource, open_source

HEAD_BYTES = 64 * 1024
MAX_NAMES = 10_000

# A folder or archive that holds one of these is recognised by the tables in it.
_DATABASES = ("chats.db",)

_BOM = b"\xef\xbb\xbf"


class SourceProbe(msgspec.Struct, frozen=True, kw_only=True):
    """A :class:`chatkeep.formats.protocol.Probe`."""

    path: Path
    kind: str
    head: bytes = b""
    names: tuple[str, ...] = ()
    tables: frozenset[str] = frozenset()


def probe(path: Path) -> SourceProbe:
    """Open a source, take its facts, close it.

    Raises:
        UnreadableSourceError: As :func:`open_source`.
    """
    with open_source(path) as source:
        return probe_of(source)


def probe_of(source: OpenedSource) -> SourceProbe:
    """The facts of a source that is open already."""
    if source.kind == "sqlite":
        return SourceProbe(path=source.path, kind=source.kind, tables=table_names(source.database()))
    members = source.members()
    if source.kind == "file":
        return SourceProbe(path=source.path, kind=source.kind, head=_head(members[0]))
    told = min((member for member in members if member.name.endswith((".json", ".jsonl"))), key=_rank, default=None)
    return SourceProbe(
        path=source.path,
        kind=source.kind,
        head=b"" if told is None else _head(told),
        names=tuple(member.name for member in members[:MAX_NAMES]),
        tables=_tables_inside(source),
    )


def _tables_inside(source: OpenedSource) -> frozenset[str]:
    for name in _DATABASES:
        if (found := source.member(name)) is not None:
            try:
                return table_names(source.database(found.name))
            except UnreadableSourceError:
                # Its damage is reported by whoever reads it.
                continue
    return frozenset()


def _rank(member: Member) -> tuple[bool, int, str]:
    folder, _, base = member.name.rpartition("/")
    return not base.startswith("conversations"), folder.count("/") + bool(folder), member.name


def _head(member: Member) -> bytes:
    try:
        with member.open() as stream:
            return stream.read(HEAD_BYTES + len(_BOM)).removeprefix(_BOM)[:HEAD_BYTES]
    except (UnreadableSourceError, OSError):
        # Its damage is reported by whoever reads it whole; names may be enough to recognise the source.
        return b""
