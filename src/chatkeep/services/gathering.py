"""Exports that lie side by side in a folder, such as a folder of downloads, which is no export itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from chatkeep.errors import AmbiguousFormatError, ChatkeepError, UnknownFormatError
from chatkeep.formats.registry import recognise
from chatkeep.formats.sources import probe
from chatkeep.services.locating import FoundSource

# A folder of everything is looked into, but not for ever.
MAX_LOOKED_AT = 1_000


class Gathered(msgspec.Struct, frozen=True):
    """What to import of a folder, by name, and the names of what is passed over."""

    sources: tuple[FoundSource, ...]
    passed_over: tuple[str, ...]


def exports_inside(folder: Path, *, own_directory: Path) -> Gathered | None:
    """The exports directly in a folder that is no export itself, or could be several; hidden entries are left alone.

    Call it before the store is opened: it opens every file in the folder.

    Args:
        folder: Where to look, one level deep.
        own_directory: Where the store is. Nothing that holds it, or lies in it, is looked into.

    Returns:
        The exports inside; or the folder itself, where files of one export lie loose in it beside others that stay
        unread. None where it is to be imported as it is: it is no folder, is one export, or holds none.
    """
    whole = None
    try:
        if not folder.is_dir() or _overlaps(folder, own_directory):
            return None
        whole = _recognised(folder)
    except (UnknownFormatError, AmbiguousFormatError):
        pass
    except (ChatkeepError, OSError):
        return None  # whoever imports it says what is wrong with it
    sources, others = _told_apart(_entries(folder))
    if whole is not None:
        unread = [source.path.name for source in sources if source.format != whole.format or _is_zip(source.path)]
        if not unread:
            return None
        if any(
            source.path.is_file() and not _is_zip(source.path) and source.format == whole.format for source in sources
        ):
            # The files of an export belong together: apart, chats would lose their attachments.
            return Gathered((whole,), tuple(unread))
    return Gathered(tuple(sources), tuple(others)) if sources else None


def _told_apart(entries: Iterable[Path]) -> tuple[list[FoundSource], list[str]]:
    sources, others = [], []
    for entry in entries:
        try:
            sources.append(_recognised(entry))
        except (ChatkeepError, OSError):
            others.append(entry.name)
    return sources, others


def _recognised(path: Path) -> FoundSource:
    adapter = recognise(probe(path))
    return FoundSource(path=path, format=adapter.name, what=adapter.title)


def _is_zip(entry: Path) -> bool:
    return entry.suffix.lower() == ".zip" and entry.is_file()


def _entries(folder: Path) -> list[Path]:
    try:
        seen = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError:
        return []
    return sorted(seen)[:MAX_LOOKED_AT]


def _overlaps(folder: Path, own_directory: Path) -> bool:
    here, own = folder.resolve(), own_directory.resolve()
    return here == own or own in here.parents or here in own.parents
