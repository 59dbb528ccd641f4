"""The small files beside the chats: ratings, names of files, share links.

They are optional, undocumented and read as far as they make sense: a bad one costs its own content and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters.chatgpt.files import KnownFile, file_id, last_segment
from chatkeep.formats.json_stream import loads
from chatkeep.formats.protocol import Member, Skipped, Source
from chatkeep.formats.values import Fields, Problems

_LIMIT = 256 * 1024 * 1024
"""Bytes of a side file that are read at most: 100 times the largest known."""


class Feedback(msgspec.Struct, frozen=True):
    """What a person thought of one message."""

    rating: int | None
    extra: dict[str, Any]


class LibraryFile(msgspec.Struct, frozen=True):
    """A file that the library says was made in or for a message."""

    file_id: str
    message_id: str


class Beside(msgspec.Struct):
    """What the side files say of one conversation."""

    feedback: dict[str, Feedback] = {}
    """By message id."""
    library: list[LibraryFile] = []
    shares: list[dict[str, Any]] = []


class Sidecars(msgspec.Struct):
    """What they say together, by conversation id and by file id."""

    beside: dict[str, Beside] = {}
    known: dict[str, KnownFile] = {}
    found: list[Skipped] = []
    """What could not be used."""

    def of(self, conversation_id: str | None) -> Beside:
        """What they say of a conversation; the empty answer is shared and must not be changed."""
        return self.beside.get(conversation_id or "") or _NOTHING

    def salt(self, conversation_id: str | None) -> bytes:
        """Changes whenever they say something else of the conversation; empty if they say nothing."""
        beside = self.beside.get(conversation_id or "")
        return b"" if beside is None else sha256(repr(beside).encode("utf-8", "backslashreplace")).digest()


_NOTHING = Beside()


def read_sidecars(source: Source) -> Sidecars:
    """Read those that are known. Raises nothing."""
    side = Sidecars()
    for base_name, reader in _READERS.items():
        member = source.member(base_name)
        if member is None:
            continue
        problems = Problems(member.name)
        try:
            reader(decoded(member, problems), side, problems)
        except (UnreadableSourceError, ValueError, OSError) as error:
            problems.add("", f"cannot be read: {error}")
        side.found.extend(problems.found())
    return side


def decoded(member: Member, problems: Problems) -> Any:
    """A whole small file.

    Raises:
        ValueError: Not JSON, or too big.
        UnreadableSourceError: Damaged.
    """
    if member.size_bytes > _LIMIT:
        raise ValueError(f"more than {_LIMIT} bytes")
    with member.open() as stream:
        raw = stream.read(_LIMIT + 1)
    if len(raw) > _LIMIT:
        raise ValueError(f"more than {_LIMIT} bytes")
    return loads(raw, problems=problems)


def _rows(value: Any, problems: Problems) -> list[tuple[int, dict[str, Any]]]:
    if not isinstance(value, list):
        problems.add("", "not a list")
        return []
    rows = [(index, row) for index, row in enumerate(value, start=1) if isinstance(row, dict)]
    if len(rows) < len(value):
        problems.add("", f"{len(value) - len(rows)} items are no objects")
    return rows


def _beside(side: Sidecars, conversation_id: str) -> Beside:
    return side.beside.setdefault(conversation_id, Beside())


def _names(value: Any, side: Sidecars, problems: Problems) -> None:
    if not isinstance(value, dict):
        problems.add("", "not an object")
        return
    for key, name in value.items():
        if isinstance(name, str) and (shown := last_segment(name)):
            side.known[file_id(key.removesuffix(".dat"))] = KnownFile(name=shown)
        elif name is not None:
            problems.add(f"entry {key[:80]}", "not a file name")


def _library(value: Any, side: Sidecars, problems: Problems) -> None:
    for index, row in _rows(value, problems):
        fields = Fields(row, problems.at(f"item {index}"))
        asset_id = fields.text("file_id")
        if not asset_id:
            fields.problems.add("file_id", "missing")
            continue
        name = last_segment(fields.text("file_name") or "")
        conversation_id = fields.text("origination_thread_id") or fields.text("initiating_conversation_id")
        message_id = fields.text("origination_message_id")
        generated = fields.raw("library_artifact_type") == "image" or bool(fields.raw("image_gen_generation_id"))
        before = side.known.get(asset_id)
        side.known[asset_id] = KnownFile(
            name=name or (None if before is None else before.name),
            media_type=fields.text("mime_type") or None,
            size_bytes=fields.integer("file_size_bytes"),
            kind="generated_image" if generated else None,
            extra={"library_files": fields.rest()},
        )
        if conversation_id and message_id and not row.get("deleted_at"):
            _beside(side, conversation_id).library.append(LibraryFile(asset_id, message_id))


def _feedback(value: Any, side: Sidecars, problems: Problems) -> None:
    for index, row in _rows(value, problems):
        fields = Fields(row, problems.at(f"item {index}"))
        # Whose account it is belongs to nobody but the account.
        fields.ignore("user_id")
        message_id, conversation_id = fields.text("id"), fields.text("conversation_id")
        if not message_id or not conversation_id:
            fields.problems.add("", "does not say which message it is about")
            continue
        spelled = (fields.text("rating") or "").lower()
        rating = 1 if "up" in spelled else -1 if "down" in spelled else None
        kept = fields.rest()
        if rating is None and spelled:
            fields.problems.add("rating", "neither up nor down")
            kept["rating"] = row["rating"]
        _beside(side, conversation_id).feedback[message_id] = Feedback(rating, kept)


def _shares(value: Any, side: Sidecars, problems: Problems) -> None:
    for index, row in _rows(value, problems):
        conversation_id = row.get("conversation_id")
        if isinstance(conversation_id, str) and conversation_id:
            kept = {key: row[key] for key in ("id", "title", "is_anonymous") if row.get(key) not in (None, "")}
            _beside(side, conversation_id).shares.append(kept)
        else:
            problems.add(f"item {index}", "does not say which conversation it is about")


# In this order: the library knows more of a file than the list of names.
_READERS: dict[str, Callable[[Any, Sidecars, Problems], None]] = {
    "conversation_asset_file_names.json": _names,
    "library_files.json": _library,
    "message_feedback.json": _feedback,
    "shared_conversations.json": _shares,
}
SIDECARS = frozenset(_READERS)
"""Base names of the files that :func:`read_sidecars` reads."""
