"""Exports in which each conversation comes with its interactions: one, all, a project's, a synchronised folder's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import BinaryIO

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream import array_items, loads, object_members
from chatkeep.formats.protocol import Member, NotImported, Record, Skipped

from .conversations import record_of
from .projects import Projects
from .shapes import first_keys

_SMALL_BYTES = 1024 * 1024
_HELD_BYTES = 256 * 1024 * 1024
# The app's trees are as deep as people make folders.
_DEEPEST = 64


def read_one(member: Member) -> Iterator[Record | Skipped]:
    """A file with one conversation."""
    try:
        with member.open() as stream:
            raw = stream.read(_HELD_BYTES + 1)
    except OSError as error:
        yield Skipped(member.name, str(error.strerror or error))
        return
    if len(raw) > _HELD_BYTES:
        yield Skipped(member.name, f"larger than {_HELD_BYTES} bytes")
    else:
        yield _bundle(raw, Projects(is_complete=False), member.name)


def read_all(member: Member) -> Iterator[Record | Skipped]:
    """A file with a list of conversations."""
    projects = Projects(is_complete=False)
    with member.open() as stream:
        for number, raw in array_items(stream, where=member.name):
            yield raw if isinstance(raw, Skipped) else _bundle(raw, projects, f"{member.name} item {number}")


def read_project(member: Member) -> Iterator[Record | Skipped | NotImported]:
    """A file with a tree of projects and their conversations."""
    projects = Projects(is_complete=False)
    with member.open() as stream:
        members, _ = _members(stream, _SMALL_BYTES)
    _take_in(members.get("project"), projects)
    with member.open() as stream:
        levels = [_children(stream, member.name, path=("children",))]
        while levels:
            child = next(levels[-1], None)
            if child is None:
                levels.pop()
                continue
            where, raw = child
            if isinstance(raw, Skipped):
                yield raw
            elif not _is_project(raw):
                yield _bundle(raw, projects, where)
            elif len(levels) > _DEEPEST:
                yield Skipped(where, "projects nested too deeply")
            else:
                inner, _ = _members(BytesIO(raw), len(raw))
                _take_in(inner.get("project"), projects)
                levels.append(_children(BytesIO(inner.get("children") or b"[]"), where))
    if projects.unused:
        yield NotImported("projects without conversations", projects.unused)


def _children(stream: BinaryIO, where: str, path: tuple[str, ...] = ()) -> Iterator[tuple[str, bytes | Skipped]]:
    try:
        for number, raw in array_items(stream, path=path, where=where):
            yield f"{where} children {number}", raw
    except UnreadableSourceError as error:
        yield where, Skipped(where, str(error))


def _members(stream: BinaryIO, hold: int) -> tuple[dict[str, bytes | None], str | None]:
    """The members of an object up to where it breaks off, and why it does."""
    found: dict[str, bytes | None] = {}
    try:
        found.update(object_members(stream, hold=hold))
    except UnreadableSourceError as error:
        return found, str(error)
    return found, None


def _is_project(raw: bytes) -> bool:
    return first_keys(raw[:_SMALL_BYTES].lstrip())[:1] == ["project"] or (
        b'"conversation"' not in raw and b'"project"' in raw
    )


def _take_in(raw: bytes | None, projects: Projects) -> None:
    try:
        projects.add(loads(raw or b"null"))
    except ValueError:
        # Conversations then name a project without a name.
        return


def _bundle(raw: bytes, projects: Projects, where: str) -> Record | Skipped:
    """A conversation with its interactions as raw bytes; damage inside costs only what it touches."""
    members, broken = _members(BytesIO(raw), len(raw))
    try:
        value = loads(members.get("conversation") or b"null")
    except ValueError as error:
        return Skipped(where, f"not JSON: {error}")
    if value is None:
        return Skipped(where, broken or "there is no conversation in it")
    found = members.get("interactions")
    path: tuple[str, ...] = ()
    if found is None:
        # Cut off inside the list: what is whole of it is still to be had.
        found, path = (raw, ("interactions",)) if broken else (b"[]", ())
    return record_of(value, partial(_items, found, path, where), raw, projects, where)


def _items(raw: bytes, path: tuple[str, ...], where: str) -> Iterator[bytes | Skipped]:
    try:
        for _, item in array_items(BytesIO(raw), path=path, where=where):
            yield item
    except UnreadableSourceError as error:
        yield Skipped(where, str(error))
