"""The full export: every category is a list of its own, interactions of all conversations in the order of their ids."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any, NamedTuple

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream import array_items, loads, object_members
from chatkeep.formats.protocol import Member, NotImported, Record, Skipped, Source

from .conversations import record_of
from .projects import Projects
from .shapes import CATEGORIES

# Categories that are small in every honest export; a bigger one is streamed instead.
_HELD_BYTES = 8 * 1024 * 1024
_SPOOLED_BYTES = 32 * 1024 * 1024
_READ = ("projects", "conversations", "interactions")


class _Owned(msgspec.Struct):
    conversationId: str  # noqa: N815  # the app's own name


class _Piece(NamedTuple):
    offset: int
    size: int


class _Interactions:
    """Raw interactions by conversation, in a private temporary file once there are many."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # noqa: SIM115  # closed with the source
        self._end = 0
        self._pieces: dict[str, list[_Piece]] = {}
        self._digests: dict[str, Any] = {}

    def add(self, conversation_id: str, raw: bytes) -> None:
        self._file.seek(self._end)
        self._file.write(raw)
        self._pieces.setdefault(conversation_id, []).append(_Piece(self._end, len(raw)))
        self._end += len(raw)
        self._digests.setdefault(conversation_id, sha256()).update(len(raw).to_bytes(8, "big") + raw)

    def of(self, conversation_id: str) -> Iterator[bytes]:
        for piece in self._pieces.get(conversation_id, ()):
            self._file.seek(piece.offset)
            yield self._file.read(piece.size)

    def digest(self, conversation_id: str) -> bytes:
        found = self._digests.get(conversation_id)
        return b"" if found is None else bytes(found.digest())

    def outside(self, conversation_ids: set[str]) -> int:
        """How many belong to none of these conversations."""
        return sum(len(pieces) for owner, pieces in self._pieces.items() if owner not in conversation_ids)

    def close(self) -> None:
        self._file.close()


class _Export:
    """One file, whose categories are held if they are small."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.cut: Skipped | None = None
        """Where the file breaks off, or breaks."""
        self._held: dict[str, bytes | None] = {}
        try:
            with member.open() as stream:
                self._held.update(object_members(stream, hold=_HELD_BYTES, where=member.name))
        except UnreadableSourceError as error:
            self.cut = Skipped(member.name, str(error))

    def items(self, key: str) -> Iterator[tuple[int, bytes | Skipped]]:
        """The raw entries of a list, numbered; none if the category is not there."""
        raw = self._held.get(key, b"null")
        # In a file that was cut off the last category is not known to be there, but its beginning may be.
        if raw is None or (self.cut and key not in self._held):
            with self._member.open() as stream:
                yield from array_items(stream, path=(key,), where=f"{self._member.name} {key}")
        elif raw.startswith(b"["):
            yield from array_items(BytesIO(raw), where=f"{self._member.name} {key}")
        elif raw != b"null":
            yield 1, Skipped(f"{self._member.name} {key}", "not a list")

    def decoded(self, key: str) -> Iterator[Any]:
        """The entries of a list that can be decoded."""
        try:
            for _, raw in self.items(key):
                if isinstance(raw, bytes):
                    yield loads(raw)
        except (UnreadableSourceError, ValueError):
            return

    def count(self, key: str) -> int:
        """How many entries a category has; one that cannot be counted counts as one."""
        raw = self._held.get(key)
        try:
            if raw is not None and raw.startswith(b"{"):
                return len(loads(raw))
            return sum(isinstance(item, bytes) for _, item in self.items(key))
        except (UnreadableSourceError, ValueError):
            return 1

    def has(self, key: str) -> bool:
        """Whether the category was exported; an empty one was."""
        return key in self._held


def read_full(source: Source, member: Member) -> Iterator[Record | Skipped | NotImported]:
    """All conversations of a full export, and how much of everything else there is."""
    export = _Export(member)
    if export.cut:
        yield export.cut
    interactions = _Interactions()
    source.keep_open(interactions)
    yield from _spool(export, interactions, member.name)
    projects = Projects(is_complete=export.has("projects"))
    for value in export.decoded("projects"):
        projects.add(value)
    known: set[str] = set()
    yield from _conversations(export, interactions, projects, member.name, known)
    yield from (item for item in _left_out(export, interactions, projects, known) if item.count)


def _spool(export: _Export, interactions: _Interactions, where: str) -> Iterator[Skipped]:
    for number, raw in _tolerant(export, "interactions"):
        if isinstance(raw, Skipped):
            yield raw
            continue
        owner = _owner(raw)
        if owner is None:
            yield Skipped(f"{where} interactions item {number}", "it names no conversation")
        else:
            interactions.add(owner, raw)


def _tolerant(export: _Export, key: str) -> Iterator[tuple[int, bytes | Skipped]]:
    try:
        yield from export.items(key)
    except UnreadableSourceError:
        # A category that is not there; what is broken was reported when the file was looked over.
        return


def _owner(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=_Owned).conversationId
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        value = loads(raw)
    except ValueError:
        return None
    owner = value.get("conversationId") if isinstance(value, dict) else None
    return owner if isinstance(owner, str) else None


def _conversations(
    export: _Export, interactions: _Interactions, projects: Projects, where: str, known: set[str]
) -> Iterator[Record | Skipped]:
    for number, raw in _tolerant(export, "conversations"):
        place = f"{where} conversations item {number}"
        if isinstance(raw, Skipped):
            yield raw
            continue
        try:
            value = loads(raw)
        except ValueError as error:
            yield Skipped(place, f"not JSON: {error}")
            continue
        id = value.get("id") if isinstance(value, dict) else None
        if isinstance(id, str):
            known.add(id)
        whole = raw + interactions.digest(str(id))
        yield record_of(value, partial(interactions.of, str(id)), whole, projects, place)


def _left_out(
    export: _Export, interactions: _Interactions, projects: Projects, known: set[str]
) -> Iterator[NotImported]:
    yield NotImported("interactions of deleted conversations", interactions.outside(known))
    yield NotImported("projects without conversations", projects.unused)
    for category in sorted(CATEGORIES.difference(_READ)):
        if export.has(category):
            yield NotImported(category, export.count(category))
