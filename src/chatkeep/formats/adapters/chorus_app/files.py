"""The files of an instance: uploads and generated images, found by base name.

Paths in the database are absolute and of the machine where the file was attached. They are never opened: a database
from somebody else could name any file of this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from chatkeep.formats.protocol import Member, SourceAttachment
from chatkeep.formats.values import Fields, Problems

from .tables import Row

UPLOADS = "uploads/originals"
GENERATED = "generated_images"
_SEPARATOR = re.compile(r"[\\/]")
_NO_TIME = datetime.min.replace(tzinfo=UTC)
_MEDIA_TYPES = {"webpage": "text/markdown", "pdf": "application/pdf"}


class Place(NamedTuple):
    """Where a path lies in an instance."""

    folder: str | None
    name: str


def place_of(path: str) -> Place:
    """Folder (one of the two that hold files, or None) and base name of a path of any platform."""
    *folders, name = _SEPARATOR.split(path)
    if folders[-1:] == [GENERATED]:
        return Place(GENERATED, name)
    return Place(UPLOADS if folders[-2:] == UPLOADS.split("/") else None, name)


class Files:
    """The attachment files that came with a database, by place; the first of several wins."""

    def __init__(self, members: Iterable[tuple[Place, Member]]) -> None:
        self._members: dict[Place, Member] = {}
        for place, member in members:
            if place.folder:
                self._members.setdefault(place, member)

    def find(self, place: Place) -> Member | None:
        """The file with this base name, in its own folder if that is known, else in either."""
        if place.folder:
            return self._members.get(place)
        return self._members.get(Place(UPLOADS, place.name)) or self._members.get(Place(GENERATED, place.name))


def attachment_of(row: Row, files: Files, problems: Problems) -> SourceAttachment:
    """An attachment from its row, or from an entry of the older JSON column with the row's keys and an ``id``."""
    fields = Fields(row, problems)
    source_id = fields.text("id") or ""
    kind = fields.text("type") or ""
    place = place_of(fields.text("path") or "")
    member = files.find(place) if place.name else None
    name = fields.text("original_name") or place.name or source_id
    created_at = fields.time_from_iso("created_at")
    extra = {"type": kind, "path": row.get("path"), **fields.rest()}
    return SourceAttachment(
        source_id=source_id,
        name=name,
        media_type=_MEDIA_TYPES.get(kind),
        open=member.open if member else None,
        size_bytes=member.size_bytes if member else None,
        kind="generated_image" if place.folder == GENERATED else "upload",
        created_at=created_at,
        extra={key: value for key, value in extra.items() if value and value != "false"},
    )


def shown_file(path: str, chat_id: str, files: Files) -> SourceAttachment | None:
    """The file of this instance that an address in a text stands for; None if it is not one."""
    place = place_of(path)
    if place.folder is None or not place.name:
        return None
    member = files.find(place)
    return SourceAttachment(
        # Base names of generated images are a slug and five digits: unique in a chat, not in the world.
        source_id=f"{chat_id}/{place.folder}/{place.name}",
        name=place.name,
        open=member.open if member else None,
        size_bytes=member.size_bytes if member else None,
        kind="generated_image" if place.folder == GENERATED else "upload",
        extra={"path": path},
    )


def in_order(attachments: Iterable[SourceAttachment]) -> list[SourceAttachment]:
    """As the app shows them: by time; those without one first, as in SQL."""
    return sorted(attachments, key=lambda attachment: attachment.created_at or _NO_TIME)
