"""Recognising the app's export files, and reading each by its shape."""

from __future__ import annotations

from collections.abc import Iterator

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Member, NotImported, Probe, Record, Skipped, Source

from .bundles import read_all, read_one, read_project
from .conversations import name, revision
from .full_export import read_full
from .shapes import Shape, is_own_name, shape_of

__all__ = ["name", "read", "recognises", "revision", "title"]

title = "LiteChat exports"

_HEAD_BYTES = 64 * 1024


def recognises(probe: Probe) -> bool:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    if probe.kind == "file":
        return shape_of(probe.head) is not None
    return probe.kind in ("zip", "directory") and any(is_own_name(member) for member in probe.names)


def read(source: Source) -> Iterator[Record | Skipped | NotImported]:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    members = source.members()
    if len(members) == 1:
        yield from _read(source, members[0])
        return
    others = 0
    for member in members:
        if not member.name.endswith(".json"):
            others += 1
            continue
        try:
            yield from _read(source, member)
        except UnreadableSourceError as error:
            # One bad file of a folder costs the others nothing.
            yield Skipped(member.name, str(error))
    if others:
        yield NotImported("files that are no JSON export", others)


def _read(source: Source, member: Member) -> Iterator[Record | Skipped | NotImported]:
    with member.open() as stream:
        shape = shape_of(stream.read(_HEAD_BYTES))
    match shape:
        case Shape.FULL:
            yield from read_full(source, member)
        case Shape.CONVERSATION:
            yield from read_one(member)
        case Shape.CONVERSATIONS:
            yield from read_all(member)
        case Shape.PROJECT:
            yield from read_project(member)
        case None:
            raise UnreadableSourceError(f"{member.name}: not an export of LiteChat, or damaged at its beginning")
