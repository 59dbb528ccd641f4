"""Which files of an export hold chats, and whether some are missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.chatgpt.files import last_segment
from chatkeep.formats.adapters.chatgpt.recognising import SHARD, holds_chats, is_other
from chatkeep.formats.adapters.chatgpt.sidecars import decoded
from chatkeep.formats.protocol import Member, NotImported, Skipped, Source
from chatkeep.formats.values import Problems

MANIFEST = "export_manifest.json"
_WHOLE = "conversations.json"
_HEAD_BYTES = 64 * 1024
_NAMED = 5
"""How many missing files are named one by one."""


class ChatFiles(msgspec.Struct, frozen=True):
    """The files to read, in order, and what is wrong with them as a set."""

    members: list[Member]
    remarks: list[Skipped | NotImported]


def chat_files(source: Source) -> ChatFiles:
    """Look at names and the manifest. Raises nothing.

    The manifest is asked first. Without it, shards are read in the order of their numbers, then the whole file.
    """
    if source.kind == "file":
        return ChatFiles(source.members(), [])
    named = [member for member in source.members() if _is_named_so(member)]
    if not named:
        return ChatFiles([member for member in source.members() if _looks_so(member)], [])
    remarks: list[Skipped | NotImported] = []
    listed = _listed(source, remarks)
    ordered = sorted(named, key=lambda member: (_number(member), member.name))
    if not listed:
        return ChatFiles(ordered, [*remarks, *_gaps(ordered)])
    bases = {last_segment(member.name) for member in named}
    missing = [name for name in listed if name not in bases]
    remarks.extend(_missing(missing, "the manifest names it, but it is not in the export"))
    # A whole file beside shards that are listed is left from another export.
    chosen = [m for m in ordered if last_segment(m.name) in listed or SHARD.fullmatch(last_segment(m.name))]
    if chosen and len(chosen) < len(ordered):
        remarks.append(NotImported(f"{_WHOLE}, which the manifest does not name", len(ordered) - len(chosen)))
    return ChatFiles(chosen or ordered, remarks)


def _is_named_so(member: Member) -> bool:
    base = last_segment(member.name)
    return (base == _WHOLE or SHARD.fullmatch(base) is not None) and not member.name.startswith("__MACOSX/")


def _number(member: Member) -> int:
    match = SHARD.fullmatch(last_segment(member.name))
    return int(match[1]) if match else 10**13


def _looks_so(member: Member) -> bool:
    """Browser extensions save one file per conversation, under any name."""
    if not member.name.endswith(".json"):
        return False
    try:
        with member.open() as stream:
            head = stream.read(_HEAD_BYTES)
    except (UnreadableSourceError, OSError):
        return False
    return holds_chats(head) and not is_other(head)


def _listed(source: Source, remarks: list[Skipped | NotImported]) -> list[str]:
    """Base names of the chat files that the manifest names; none if there is no usable manifest."""
    member = source.member(MANIFEST)
    if member is None:
        return []
    problems = Problems(member.name)
    try:
        value = decoded(member, problems)
    except (UnreadableSourceError, ValueError, OSError) as error:
        problems.add("", f"cannot be read, file names are used instead: {error}")
        value = None
    logical = value.get("logical_files") if isinstance(value, dict) else None
    entry = logical.get(_WHOLE) if isinstance(logical, dict) else None
    files: Any = entry.get("files") if isinstance(entry, dict) else None
    names = [last_segment(name) for name in files if isinstance(name, str)] if isinstance(files, list) else []
    if isinstance(files, list) and len(names) < len(files):
        problems.add("logical_files", "lists what is no file name")
    remarks.extend(problems.found())
    return names


def _gaps(ordered: Iterable[Member]) -> list[Skipped]:
    numbers = sorted({_number(member) for member in ordered if SHARD.fullmatch(last_segment(member.name))})
    if not numbers:
        return []
    first = min(numbers[0], 1) if numbers[0] <= 1 else 0
    count = numbers[-1] - first + 1 - len(numbers)
    found: list[str] = []
    expected = first
    for number in numbers:
        while expected < number and len(found) < _NAMED:
            found.append(f"conversations-{expected:03d}.json")
            expected += 1
        expected = number + 1
    return _missing(found, "the numbers of the files show that it is missing", count=count)


def _missing(names: list[str], reason: str, *, count: int | None = None) -> list[Skipped]:
    reports = [Skipped(name[:200], f"{reason}: its conversations are not imported") for name in names[:_NAMED]]
    more = (len(names) if count is None else count) - len(reports)
    if more > 0:
        reports.append(Skipped("conversations", f"and {more} more files are missing"))
    return reports
