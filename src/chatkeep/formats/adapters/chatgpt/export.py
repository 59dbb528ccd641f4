"""Reading a whole export, one conversation at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.chatgpt.conversation import conversation_id_of, read_conversation
from chatkeep.formats.adapters.chatgpt.files import Assets, last_segment
from chatkeep.formats.adapters.chatgpt.sharding import MANIFEST, chat_files
from chatkeep.formats.adapters.chatgpt.sidecars import SIDECARS, Sidecars, decoded, read_sidecars
from chatkeep.formats.json_stream import array_items, fingerprint
from chatkeep.formats.protocol import Member, NotImported, Record, Skipped, Source
from chatkeep.formats.values import Problems

NAME = "chatgpt"
REVISION = 1

_LIMIT = 256 * 1024 * 1024
"""Bytes of a conversation that is a file of its own, as :func:`array_items` has it for elements."""
_COUNTED = 8 * 1024 * 1024
"""Bytes of a file that is not read up to which its entries are counted."""
_BOM = b"\xef\xbb\xbf"


def read(source: Source) -> Iterator[Record | Skipped | NotImported]:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    chats = chat_files(source)
    if not chats.members:
        raise UnreadableSourceError(f"{source.path}: holds no conversations.json")
    yield from chats.remarks
    sidecars = read_sidecars(source) if source.kind != "file" else Sidecars()
    yield from sidecars.found
    names = {member.name for member in chats.members}
    others = [member for member in source.members() if member.name not in names]
    reading = _Reading(sidecars, Assets(others, sidecars.known))
    for member in chats.members:
        try:
            yield from reading.records(member)
        except (UnreadableSourceError, OSError) as error:
            if len(chats.members) == 1:
                raise
            yield Skipped(member.name, str(error))
    yield from reading.unused()
    yield from _not_read(others)


class _Header(msgspec.Struct):
    """What tells copies of a conversation apart, without building the rest."""

    conversation_id: Any = None
    id: Any = None
    update_time: Any = None


_decode_header = msgspec.json.Decoder(_Header).decode


class _Reading:
    def __init__(self, sidecars: Sidecars, assets: Assets) -> None:
        self._sidecars = sidecars
        self._assets = assets
        self._updated: dict[str, float] = {}
        self._fingerprints: set[str] = set()

    def records(self, member: Member) -> Iterator[Record | Skipped]:
        """The conversations of one file, which is an array, an object around one, or a single conversation."""
        for index, raw in _elements(member):
            where = f"{member.name} item {index}"
            found = raw if isinstance(raw, Skipped) else self._record(raw, where)
            if found is not None:
                yield found

    def _record(self, raw: bytes, where: str) -> Record | Skipped | None:
        """None for an exact copy of what came before: shards overlap."""
        try:
            header = _decode_header(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            header = _Header()
        conversation_id = conversation_id_of(header.conversation_id, header.id)
        known = fingerprint(NAME, REVISION, raw, self._sidecars.salt(conversation_id))
        if known in self._fingerprints:
            return None
        self._fingerprints.add(known)
        if conversation_id is not None:
            updated = header.update_time if isinstance(header.update_time, int | float) else 0
            if updated < self._updated.get(conversation_id, updated):
                return Skipped(where, "an older copy of a conversation that came before")
            self._updated[conversation_id] = updated
        beside = self._sidecars.of(conversation_id)
        load = partial(read_conversation, raw, where=where, beside=beside, assets=self._assets)
        return Record(where=where, fingerprint=known, load=load)

    def unused(self) -> Iterator[NotImported]:
        """What side files say of conversations that the export does not hold."""
        lost = [beside for key, beside in self._sidecars.beside.items() if key not in self._updated]
        for what, count in (
            ("ratings of conversations that are not in the export", sum(len(each.feedback) for each in lost)),
            ("library files of conversations that are not in the export", sum(len(each.library) for each in lost)),
            ("share links of conversations that are not in the export", sum(len(each.shares) for each in lost)),
        ):
            if count:
                yield NotImported(what, count)


def _elements(member: Member) -> Iterator[tuple[int, bytes | Skipped]]:
    with member.open() as stream:
        start = stream.read(1024).removeprefix(_BOM).lstrip()[:1]
    if start == b"[":
        with member.open() as stream:
            yield from array_items(stream, where=member.name)
        return
    try:
        with member.open() as stream:
            items = array_items(stream, path=("conversations",), where=member.name)
            yield from items
    except UnreadableSourceError:
        yield _only(member)


def _only(member: Member) -> tuple[int, bytes | Skipped]:
    with member.open() as stream:
        raw = stream.read(_LIMIT + 1)
    return 1, raw if len(raw) <= _LIMIT else Skipped(member.name, f"more than {_LIMIT} bytes")


def _not_read(members: list[Member]) -> Iterator[NotImported]:
    """Name what holds data and has no place here; ``chat.html`` only shows the chats again."""
    counts: Counter[str] = Counter()
    for member in members:
        base = last_segment(member.name)
        if (
            not base.endswith(".json")
            or base in SIDECARS
            or base == MANIFEST
            or base.startswith(("file-", "file_", "."))
        ):
            continue
        folder = member.name.rpartition("/")[0].rpartition("/")[2]
        if base == "user.json":
            counts["user.json (personal data)"] += 1
        else:
            counts["textdocs" if folder == "textdocs" else base] += _count(member)
    yield from (NotImported(what, count) for what, count in counts.items() if count)


def _count(member: Member) -> int:
    """How many entries a file holds, 1 if that is not clear."""
    if member.size_bytes > _COUNTED:
        return 1
    try:
        value = decoded(member, Problems())
    except (UnreadableSourceError, ValueError, OSError):
        return 1
    if isinstance(value, dict) and len(value) == 1 and isinstance(inner := next(iter(value.values())), list | dict):
        value = inner
    return len(value) if isinstance(value, list) else int(bool(value))
