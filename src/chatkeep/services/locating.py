"""Finding the chats of other apps on this machine, by the places where those apps keep or deliver them."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest
from pathlib import Path

import msgspec

from chatkeep.errors import ChatkeepError
from chatkeep.instances import Platform, config_directory, data_directory

CHORUS_APP_ID = "sh.chorus.app"

# Downloads may hold anything, and many things: only the newest are looked into.
_MAX_DOWNLOADS = 100
_MAX_ENTRIES = 20_000
_DOWNLOAD_ENDINGS = (".zip", ".json", ".jsonl", ".db")


class FoundSource(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be imported."""

    path: Path
    format: str
    """An adapter's name."""
    what: str
    """For people, e.g. ``Claude Code sessions``."""


def known_sources(*, platform: Platform, environ: Mapping[str, str], home: Path) -> list[FoundSource]:
    """The chats of supported apps that lie where those apps put them; nothing outside is looked at.

    Folders of apps are known by their name alone, downloads by their content. What cannot be read is passed over.
    """
    found = [*_claude_code(environ, home), *_chorus(platform, environ, home), *_downloads(home / "Downloads")]
    return list({source.path: source for source in found}.values())


def _claude_code(environ: Mapping[str, str], home: Path) -> Iterator[FoundSource]:
    places = [home / ".claude", home / ".config" / "claude"]
    configured = environ.get("CLAUDE_CONFIG_DIR")
    for place in [Path(configured), *places] if configured else places:
        # The folder and not only its sessions: what was typed lies beside them.
        if _holds(place / "projects", ".jsonl"):
            yield FoundSource(path=place, format="claude-code", what="Claude Code sessions")


def _holds(projects: Path, ending: str) -> bool:
    return any(file.name.endswith(ending) for folder in _entries(projects) for file in _entries(folder))


def _chorus(platform: Platform, environ: Mapping[str, str], home: Path) -> Iterator[FoundSource]:
    for directory in (data_directory, config_directory):
        base = Path(directory(CHORUS_APP_ID, platform=platform, environ=environ, home=str(home))).parent
        for instance in sorted(_entries(base)):
            named = instance.name == CHORUS_APP_ID or instance.name.startswith(f"{CHORUS_APP_ID}.")
            if named and (instance / "chats.db").is_file():
                yield FoundSource(path=instance, format="chorus-app", what=f"Chorus ({instance.name})")


def _downloads(folder: Path) -> Iterator[FoundSource]:
    from chatkeep.formats import registry
    from chatkeep.formats.sources import probe

    for path in _newest(entry for entry in _entries(folder) if entry.name.lower().endswith(_DOWNLOAD_ENDINGS)):
        try:
            adapter = registry.recognise(probe(path))
        except (ChatkeepError, OSError):
            continue  # not an export of chats, or not a readable one
        yield FoundSource(path=path, format=adapter.name, what=adapter.title)


def _newest(paths: Iterable[Path]) -> list[Path]:
    dated = []
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            continue
        if stat.S_ISREG(facts.st_mode):
            dated.append((facts.st_mtime, str(path)))
    return [Path(path) for _, path in nlargest(_MAX_DOWNLOADS, dated)]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder; nothing if it is none, or closed to us."""
    found = []
    try:
        for entry in folder.iterdir():
            found.append(entry)
            if len(found) >= _MAX_ENTRIES:
                break
    except OSError:
        pass
    return found
