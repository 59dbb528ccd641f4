"""Finding the database and the files of an instance in what was given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Member, NotImported, Skipped, Source
from chatkeep.formats.sources import open_source
from chatkeep.formats.sources.files import files_below

from .files import GENERATED, UPLOADS, Files, Place, place_of

DATABASE = "chats.db"
APP = "sh.chorus.app"
# Never opened: settings of the app, its keys and its token.
_SETTINGS = ("settings", "settings.json", "auth.dat")


class Instance(NamedTuple):
    """A database and what came with it."""

    connection: apsw.Connection
    files: Files
    skipped: tuple[Skipped, ...]
    not_imported: tuple[NotImported, ...]


def is_data_folder(path: Path, names: tuple[str, ...]) -> bool:
    """Whether a folder is the half of a Linux instance that has the files but not the database."""
    marks = ("settings", "auth.dat", f"{UPLOADS}/", f"{GENERATED}/")
    return path.name.startswith(APP) and DATABASE not in names and any(name.startswith(marks) for name in names)


def instance_of(source: Source) -> Instance:
    """The instance in a database file, a directory or an archive.

    Raises:
        UnreadableSourceError: There is no readable database in it.
    """
    skipped: list[Skipped] = []
    if source.kind == "sqlite":
        folder = source.path.resolve().parent
        found = [member for place in (folder, *_twins(folder)) for member in _files_in(place, skipped)]
        return Instance(source.database(), Files(found), tuple(skipped), ())
    members = source.members()
    inside = source.member(DATABASE)
    if inside is None:
        folder = source.path.resolve()
        return Instance(_database_elsewhere(source, folder), Files(_placed(members)), (), tuple(_settings(members, "")))
    prefix = inside.name.removesuffix(DATABASE)
    below = [member for member in members if member.name.startswith(prefix)]
    found = list(_placed(below))
    if source.kind == "directory" and not prefix:
        found += [member for place in _twins(source.path.resolve()) for member in _files_in(place, skipped)]
    others = sum(member.name.rpartition("/")[2] == DATABASE for member in members) - 1
    left = [*_settings(below, prefix), *([NotImported("databases of other instances", others)] if others else [])]
    return Instance(source.database(inside.name), Files(found), tuple(skipped), tuple(left))


def _settings(members: list[Member], prefix: str) -> Iterator[NotImported]:
    there = sum(member.name.removeprefix(prefix) in _SETTINGS for member in members)
    if there:
        yield NotImported("settings and key files", there)


def _placed(members: list[Member]) -> Iterator[tuple[Place, Member]]:
    for member in members:
        yield place_of(member.name), member


def _twins(folder: Path) -> list[Path]:
    """The other half of an instance in a Linux home: the database is in one folder, the files in another."""
    if not folder.name.startswith(APP):
        return []
    if folder.parent.name == ".config":
        return [folder.parent.parent / ".local" / "share" / folder.name]
    if (folder.parent.parent.name, folder.parent.name) == (".local", "share"):
        return [folder.parent.parent.parent / ".config" / folder.name]
    return []


def _database_elsewhere(source: Source, folder: Path) -> apsw.Connection:
    for twin in _twins(folder):
        if (twin / DATABASE).is_file():
            opened = open_source(twin / DATABASE)
            source.keep_open(opened)
            return opened.database()
    raise UnreadableSourceError(
        f"{source.path}: holds no {DATABASE}; on Linux it lies in the app's folder below ~/.config"
    )


def _files_in(folder: Path, skipped: list[Skipped]) -> Iterator[tuple[Place, Member]]:
    """The files of an instance on disk; folders behind symbolic links are not the instance's own."""
    for name in (UPLOADS, GENERATED):
        place = folder.joinpath(*name.split("/"))
        if place.is_symlink() or place.parent.is_symlink():
            skipped.append(Skipped(name, "a symbolic link: not followed"))
        elif place.is_dir():
            for member in files_below(place, skipped):
                yield Place(name, member.name), member
