"""``doctor``: looks an installation over and says, for each thing found, how bad it is and what to do.

It changes nothing and must work when nothing else does: each examination stands alone, and one that fails becomes a
finding itself.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from chatkeep.errors import ChatkeepError
from chatkeep.instances import Layout, Platform, others_may_read
from chatkeep.services.examining_store import StoreState

Level = Literal["ok", "note", "warning", "problem"]
LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "problem")

_LOW_BYTES = 500_000_000
_FULL_BYTES = 20_000_000
_LARGE_WAL_BYTES = 128_000_000

# Programs that copy files behind SQLite's back; by a part of the path that they are known by.
_SYNCED = ("Dropbox", "OneDrive", "Google Drive", "GoogleDrive", "CloudStorage", "Mobile Documents", "Nextcloud")

_ADVICE = {
    "store.busy": "close the other program, or wait until it is done; a program that hangs can be ended",
    "store.full": "free some space on this disk; what is stored stays readable",
    "store.read-only": "reading works; to write, give yourself permission to the directory and all files in it",
    "store.permission": "make yourself the owner of the directory and of all files in it",
    "store.corrupt": "copy the whole directory away first; then run `chatkeep check`, or restore the newest backup",
    "store.io": "copy the whole directory to another disk, then look at this one's health",
    "store.foreign": "this is another program's file: choose another place with --home DIR",
    "store.newer-schema": "upgrade Chatkeep, or use the newer one that is installed elsewhere",
    "store.network-filesystem": "move the directory to a disk of this machine; reading works where it is",
    "store.unsafe-sqlite": "upgrade the package apsw",
}
_OTHERWISE = "run the command again with -vv, and report what it says"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. ``code`` is stable; ``advice`` is empty when there is nothing to do."""

    code: str
    level: Level
    message: str
    advice: str = ""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """All findings, in the order of examination, and the plain facts behind them."""

    findings: tuple[Finding, ...]
    versions: dict[str, str]
    sizes: dict[str, int]
    """Bytes by file or folder of the instance, of those that are there."""
    sources: tuple[dict[str, str], ...]
    """Importable chats on this machine: ``path``, ``format``, ``what``."""

    @property
    def level(self) -> Level:
        """The worst there is."""
        return max((finding.level for finding in self.findings), key=LEVELS.index, default="ok")


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine says of itself."""

    platform: Platform
    environ: Mapping[str, str]
    home: Path
    version: str
    """Chatkeep's own."""


def diagnose(layout: Layout, surroundings: Surroundings) -> Diagnosis:
    """Examine everything; never raises for what it finds."""
    from chatkeep.services.locating import known_sources

    sources = known_sources(platform=surroundings.platform, environ=surroundings.environ, home=surroundings.home)
    examinations: Sequence[Callable[[], Iterator[Finding]]] = (
        _sqlite,
        lambda: _place(layout),
        lambda: _file_system(layout),
        lambda: _disk(layout),
        lambda: _store(layout),
        lambda: (
            Finding(
                code="source.found",
                level="note",
                message=f"{source.what}: {source.path}",
                advice=f"chatkeep import {str(source.path)!r}",
            )
            for source in sources
        ),
    )
    return Diagnosis(
        findings=tuple(finding for examine in examinations for finding in _guarded(examine)),
        versions=_versions(surroundings.version),
        sizes=sizes(layout),
        sources=tuple({"path": str(source.path), "format": source.format, "what": source.what} for source in sources),
    )


def _guarded(examine: Callable[[], Iterator[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(examine())
    except ChatkeepError as error:
        found.append(_of_error(error))
    except Exception as error:  # noqa: BLE001 - an examination that fails must not hide the others
        text = f"this could not be examined: {type(error).__name__}: {error}"
        found.append(Finding(code="doctor.failed", level="warning", message=text, advice=_OTHERWISE))
    return found


def _of_error(error: ChatkeepError) -> Finding:
    level: Level = "warning" if error.code in ("store.read-only", "store.busy") else "problem"
    return Finding(code=error.code, level=level, message=str(error), advice=_ADVICE.get(error.code, _OTHERWISE))


def _versions(own: str) -> dict[str, str]:
    import apsw

    return {
        "chatkeep": own,
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "apsw": apsw.apsw_version(),
        "platform": platform.platform(),
    }


def _sqlite() -> Iterator[Finding]:
    from chatkeep.services.examining_store import refuse_unsafe_sqlite, sqlite_version

    refuse_unsafe_sqlite()
    yield Finding(code="sqlite.safe", level="ok", message=f"SQLite {sqlite_version()} is free of the known WAL fault")


def _place(layout: Layout) -> Iterator[Finding]:
    directory = layout.directory
    if not layout.exists:
        yield Finding(
            code="place.empty",
            level="note",
            message=f"no chats in {directory} yet",
            advice="chatkeep import PATH, or --home DIR if they are elsewhere",
        )
    if not directory.is_dir():
        return
    if others_may_read(directory):
        yield Finding(
            code="place.open-to-others",
            level="warning",
            message=f"other people on this machine may look into {directory}",
            advice=f"chmod 700 {str(directory)!r}",
        )
    if os.name == "posix" and directory.stat().st_uid != os.geteuid():
        yield Finding(
            code="place.not-yours",
            level="warning",
            message=f"{directory} belongs to another user (id {directory.stat().st_uid})",
            advice="run Chatkeep as that user, or make the directory yours",
        )
    if not os.access(directory, os.W_OK):
        yield Finding(
            code="place.read-only",
            level="warning",
            message=f"{directory} cannot be written",
            advice=_ADVICE["store.read-only"],
        )
    synced = next((name for name in _SYNCED if name in str(directory.resolve())), None)
    if synced:
        yield Finding(
            code="place.synced",
            level="warning",
            message=f"{directory} seems to be copied to other machines ({synced}), which can damage a database in use",
            advice="move it to a folder that is not synchronised, and back it up instead",
        )


def _file_system(layout: Layout) -> Iterator[Finding]:
    from chatkeep.services.examining_store import file_system, refuse_network_file_system

    place = _nearest(layout.directory)
    refuse_network_file_system(place)
    yield Finding(code="filesystem.local", level="ok", message=f"{place} lies on a local disk ({file_system(place)})")


def _disk(layout: Layout) -> Iterator[Finding]:
    place = _nearest(layout.directory)
    free = shutil.disk_usage(place).free
    needed = max(_LOW_BYTES, sum(sizes(layout).values()))
    text = f"{free / 1e9:.1f} GB free for {place}"
    if free < _FULL_BYTES:
        yield Finding(code="disk.full", level="problem", message=text, advice=_ADVICE["store.full"])
    elif free < needed:
        advice = "free some space: a repair or an upgrade may need as much as there is now again"
        yield Finding(code="disk.low", level="warning", message=text, advice=advice)
    else:
        yield Finding(code="disk.free", level="ok", message=text)


def _nearest(directory: Path) -> Path:
    """The directory, or the nearest above it that exists."""
    return next((place for place in (directory, *directory.parents) if place.is_dir()), directory)


def _store(layout: Layout) -> Iterator[Finding]:
    from chatkeep.services.examining_store import examine_store

    if not layout.exists:
        return
    wal_bytes = sizes(layout).get("chats.db-wal", 0)
    if wal_bytes > _LARGE_WAL_BYTES:
        yield Finding(
            code="store.large-wal",
            level="warning",
            message=f"changes of {wal_bytes / 1e6:,.0f} MB wait to be folded into chats.db",
            advice="close programs that read the store without end; the next write folds them in",
        )
    state = examine_store(layout.directory)
    yield Finding(
        code="store.readable",
        level="ok",
        message=f"the store can be read: schema {state.schema}, {_counted(state.conversations, 'conversation')}",
        advice="",
    )
    yield from _turn(state)
    yield from _index(layout, state)


def _turn(state: StoreState) -> Iterator[Finding]:
    if state.writer:
        yield Finding(
            code="store.in-use",
            level="note",
            message=f"{state.writer} is writing to the store now",
            advice="nothing, unless it stays so: then close that program",
        )


def _index(layout: Layout, state: StoreState) -> Iterator[Finding]:
    if not layout.search_db.is_file():
        advice = "nothing: the next search makes it"
        yield Finding(code="search.missing", level="note", message="there is no search index yet", advice=advice)
    elif state.index_behind:
        yield Finding(
            code="search.behind",
            level="note",
            message=f"the search index has {_counted(state.index_behind, 'change')} to catch up with",
            advice="nothing: the next search, or the next import, does it",
        )
    elif state.index_behind == 0:
        yield Finding(code="search.current", level="ok", message="the search index knows every change")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def sizes(layout: Layout) -> dict[str, int]:
    """Bytes of what is there, by name; found by ``stat`` alone."""
    found = {}
    for name in ("chats.db", "chats.db-wal", "chats.db-shm", "search.db", "search.db-wal", "search.db-shm"):
        with contextlib.suppress(OSError):
            found[name] = (layout.directory / name).stat().st_size
    for folder in ("blobs", "logs", "backups"):
        with contextlib.suppress(OSError):
            if (layout.directory / folder).is_dir():
                found[folder] = _folder_bytes(layout.directory / folder)
    return found


def _folder_bytes(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_size
            except OSError:
                continue  # gone meanwhile
    return total
