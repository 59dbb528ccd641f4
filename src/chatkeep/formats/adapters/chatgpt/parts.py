"""The objects inside ``parts``: strings, pointers to images and sound, transcripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatkeep.formats.adapters.chatgpt.files import FileBook, Mention, file_id
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import AttachmentRef, Part, RawPart, Text

_VIDEO_CALL = "real_time_user_audio_video_asset_pointer"


class Pointers:
    """Turns what one message says of files into attachment parts.

    A file is described twice, by a pointer among the parts and by an entry in ``metadata.attachments``; the part takes
    from both, and the entry's leftovers go to its ``extra["attachment"]``.
    """

    def __init__(self, files: FileBook, entries: list[Any], *, generated: bool) -> None:
        self._files = files
        self._generated = generated
        self.unreadable = [entry for entry in entries if not isinstance(entry, dict)]
        """Entries that are no objects; nothing is known of what they meant."""
        self._entries = [entry for entry in entries if isinstance(entry, dict)]
        self._by_id = {entry["id"]: entry for entry in self._entries if isinstance(entry.get("id"), str)}
        self._used: set[str] = set()

    def pointer(self, pointer: str, described: Fields) -> AttachmentRef:
        """The part for a pointer; ``described`` is the object that holds it, its leftovers are kept."""
        asset_id = file_id(pointer)
        entry = Fields(self._by_id.get(asset_id), described.problems, "attachment")
        self._used.add(asset_id)
        size = described.integer("size_bytes")
        sound = described.raw("format") if "format" in described else None
        about = described.raw("metadata")
        generated = self._generated or (isinstance(about, dict) and bool(about.get("dalle") or about.get("generation")))
        mention = _mention(asset_id, entry, size_bytes=size)
        if mention.media_type is None and isinstance(sound, str) and sound.isalnum():
            mention.media_type = f"audio/{sound.lower()}"
        mention.kind = "generated_image" if generated and sound is None else "upload"
        kept = described.rest() | {"asset_pointer": pointer}
        if about not in (None, {}):
            kept["metadata"] = about
        if sound is not None:
            kept["format"] = sound
        mention.extra = kept | mention.extra
        return self._files.ref(mention)

    def unmentioned(self, problems: Problems) -> list[AttachmentRef]:
        """Parts for the entries of ``metadata.attachments`` that no pointer named."""
        found: list[AttachmentRef] = []
        for index, entry in enumerate(self._entries):
            fields = Fields(entry, problems.at(f"attachments {index + 1}"))
            given = fields.text("id")
            if given and given in self._used:
                continue
            mention = _mention(given or "", fields, size_bytes=None)
            if given:
                found.append(self._files.ref(mention))
            else:
                found.append(AttachmentRef(name=mention.name, media_type=mention.media_type, extra=mention.extra))
        return found


def _mention(asset_id: str, entry: Fields, *, size_bytes: int | None) -> Mention:
    entry.ignore("id")
    name, media_type, size = entry.text("name"), entry.text("mime_type"), entry.integer("size")
    leftover = entry.rest()
    return Mention(
        id=asset_id,
        name=name or None,
        media_type=media_type or None,
        size_bytes=size_bytes if size_bytes is not None else size,
        extra={"attachment": leftover} if leftover else {},
    )


def read_part(value: Any, pointers: Pointers, problems: Problems) -> list[Part]:
    """What one element of ``parts`` stands for; empty text stands for nothing."""
    if isinstance(value, str):
        return [Text(text=value)] if value else []
    if value is None:
        return []
    if not isinstance(value, dict):
        problems.add("", "neither text nor an object")
        return [RawPart(kind="part", data=value)]
    fields = Fields(value, problems)
    kind = fields.raw("content_type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is not None:
        found = reader(value, fields, pointers)
        if found:
            return found
    elif isinstance(pointer := value.get("asset_pointer"), str):
        return [_pointed(pointer, value, problems, pointers)]
    elif isinstance(words := value.get("text"), str):
        fields.ignore("text")
        kept = fields.rest() | ({"content_type": kind} if kind not in (None, "text") else {})
        return [Text(text=words, extra=kept)]
    return [RawPart(kind=kind if isinstance(kind, str) and kind else "part", data=value)]


def _pointed(pointer: str, value: dict[str, Any], problems: Problems, pointers: Pointers) -> AttachmentRef:
    fields = Fields(value, problems)
    fields.ignore("asset_pointer")
    return pointers.pointer(pointer, fields)


def _asset(value: dict[str, Any], fields: Fields, pointers: Pointers) -> list[Part]:
    pointer = value.get("asset_pointer")
    if not isinstance(pointer, str) or not pointer:
        fields.problems.add("asset_pointer", "not text")
        return []
    return [_pointed(pointer, value, fields.problems, pointers)]


def _transcript(value: dict[str, Any], fields: Fields, _pointers: Pointers) -> list[Part]:
    words = fields.text("text")
    if words is None:
        return []
    return [Text(text=words, extra=fields.rest() | {"content_type": value["content_type"]})]


def _video_call(value: dict[str, Any], fields: Fields, pointers: Pointers) -> list[Part]:
    """Sound, picture and frames of a call, each a file; what describes the call goes with the first of them."""
    found: list[Part] = []
    for key in ("audio_asset_pointer", "video_container_asset_pointer", "frames_asset_pointers"):
        nested = value.get(key)
        items = nested if isinstance(nested, list) else [nested]
        read = [_nested(item, fields.problems.at(key), pointers) for item in items if item is not None]
        if all(ref is not None for ref in read):
            fields.ignore(key)
        found.extend(ref for ref in read if ref is not None)
    if not found:
        return []
    kept = fields.rest()
    if kept and isinstance(first := found[0], AttachmentRef):
        extra = first.extra | {_VIDEO_CALL: kept}
        found[0] = AttachmentRef(
            attachment_id=first.attachment_id, name=first.name, media_type=first.media_type, extra=extra
        )
    return found


def _nested(item: Any, problems: Problems, pointers: Pointers) -> AttachmentRef | None:
    if isinstance(item, str) and item:
        return pointers.pointer(item, Fields({}, problems))
    pointer = item.get("asset_pointer") if isinstance(item, dict) else None
    if not isinstance(pointer, str) or not pointer:
        problems.add("", "not a pointer to a file")
        return None
    return _pointed(pointer, item, problems, pointers)


_READERS: dict[str, Callable[[dict[str, Any], Fields, Pointers], list[Part]]] = {
    "image_asset_pointer": _asset,
    "audio_asset_pointer": _asset,
    "video_container_asset_pointer": _asset,
    "audio_transcription": _transcript,
    _VIDEO_CALL: _video_call,
}
