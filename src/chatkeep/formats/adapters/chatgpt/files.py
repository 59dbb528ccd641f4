"""The files that a conversation mentions, and where an export keeps their bytes.

Four generations of naming are found together in old accounts:

* ``file-<id>-<original name>`` beside the chats, ``dalle-generations/file-<id>-<uuid>.webp`` (2023);
* ``file_<id>-sanitized.png``, ``user-<id>/file_<id>-<uuid>.png``, ``<conversation>/audio/<id>-<uuid>.wav`` (2024);
* ``<id>.dat``, with names and types in side files (2026).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

import msgspec

from chatkeep.formats.protocol import Member, SourceAttachment
from chatkeep.model import AttachmentRef

_SCHEMES = ("file-service://", "sediment://")
# An id that begins this many files is no id.
_MANY = 100


def file_id(pointer: str) -> str:
    """The id in an asset pointer, or a bare id; a pointer of another kind is its own id."""
    for scheme in _SCHEMES:
        if pointer.startswith(scheme):
            return pointer[len(scheme) :].split("#", 1)[0].split("?", 1)[0]
    return pointer.split("#", 1)[0]


def last_segment(path: str) -> str:
    """The file name at the end of an untrusted path; empty if it ends in none."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1].strip()
    return "" if name in {".", ".."} else name


class KnownFile(msgspec.Struct, frozen=True):
    """What the side files say of one file."""

    name: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None
    kind: str | None = None
    extra: dict[str, Any] = {}


class Assets:
    """The files of an export by name, and what its side files say of them; made once, for all conversations."""

    def __init__(self, members: Iterable[Member], known: dict[str, KnownFile]) -> None:
        named = sorted(((last_segment(member.name), member) for member in members), key=lambda pair: pair[0])
        self._names = [name for name, _ in named]
        self._members = [member for _, member in named]
        self._known = known

    def known(self, asset_id: str) -> KnownFile:
        """What the side files say of it; nothing, if they do not name it."""
        return self._known.get(asset_id) or _UNKNOWN

    def find(self, asset_id: str, conversation_id: str) -> Member | None:
        """The file with this id; of several, the one in the conversation's own folder, else the least deep."""
        if not asset_id or asset_id == "file":
            return None
        exact = [self._at(f"{asset_id}.dat"), self._at(asset_id)]
        for member in exact:
            if member is not None:
                return member
        # "-", "." and "/" follow each other, so this is every name that goes on with "-" or ".".
        low, high = (bisect_left(self._names, asset_id + mark) for mark in "-/")
        if not 0 < high - low <= _MANY:
            return None
        return min(self._members[low:high], key=lambda member: _rank(member.name, conversation_id))

    def _at(self, name: str) -> Member | None:
        place = bisect_left(self._names, name)
        return self._members[place] if place < len(self._names) and self._names[place] == name else None


_UNKNOWN = KnownFile()


def _rank(name: str, conversation_id: str) -> tuple[bool, int, str]:
    folders = name.split("/")[:-1]
    return conversation_id not in folders, len(folders), name


class Mention(msgspec.Struct, kw_only=True):
    """One place where a message names a file, as far as it describes it."""

    id: str
    name: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None
    kind: str = "upload"
    extra: dict[str, Any] = {}


class FileBook:
    """The files of one conversation: each is one attachment, however often it is mentioned."""

    def __init__(self, assets: Assets, conversation_id: str) -> None:
        self._assets = assets
        self._conversation_id = conversation_id
        self._found: dict[str, SourceAttachment] = {}

    @property
    def attachments(self) -> tuple[SourceAttachment, ...]:
        """Every file mentioned so far, in the order of the first mentions."""
        return tuple(self._found.values())

    def __contains__(self, asset_id: str) -> bool:
        return asset_id in self._found

    def ref(self, mention: Mention) -> AttachmentRef:
        """The part that stands for the mention; enters the file, or adds what was not known of it."""
        before = self._found.get(mention.id)
        file = self._new(mention) if before is None else _completed(before, mention)
        self._found[mention.id] = file
        return AttachmentRef(
            attachment_id=mention.id,
            name=mention.name or file.name,
            media_type=mention.media_type or file.media_type,
            extra=mention.extra,
        )

    def _new(self, mention: Mention) -> SourceAttachment:
        known = self._assets.known(mention.id)
        member = self._assets.find(mention.id, self._conversation_id)
        return SourceAttachment(
            source_id=mention.id,
            name=known.name or mention.name or _name_of(member, mention.id),
            media_type=mention.media_type or known.media_type,
            open=None if member is None else member.open,
            size_bytes=mention.size_bytes or known.size_bytes or (None if member is None else member.size_bytes),
            kind=known.kind or mention.kind,
            extra=known.extra,
        )


def _completed(file: SourceAttachment, mention: Mention) -> SourceAttachment:
    if file.media_type is None and mention.media_type is not None:
        file = msgspec.structs.replace(file, media_type=mention.media_type)
    if file.kind == "upload" and mention.kind != "upload":
        file = msgspec.structs.replace(file, kind=mention.kind)
    if mention.name and file.name == file.source_id:
        file = msgspec.structs.replace(file, name=mention.name)
    return file


def _name_of(member: Member | None, asset_id: str) -> str:
    if member is None:
        return asset_id
    name = last_segment(member.name)
    rest = name[len(asset_id) :]
    # file-<id>-<original name>; what only continues the id (.dat, .webp) is no name of its own.
    return rest[1:] if rest.startswith("-") and len(rest) > 1 else name
