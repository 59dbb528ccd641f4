"""Files on disk as members of a source: regular ones only, whatever they turn into between listing and opening."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Skipped

# A named pipe would block for ever, a symbolic link could lead anywhere. Windows lacks these flags, and such files.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_MAX_FILES = 500_000


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file that is not a symbolic link.

    Raises:
        UnreadableSourceError: It is not there, not regular, or access is refused.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise UnreadableSourceError(f"{path}: {error.strerror or error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableSourceError(f"{path}: not a regular file")
    return os.fdopen(descriptor, "rb")


class FileMember:
    """A file on disk; ``path`` is where it really is, with no symbolic link at its end."""

    def __init__(self, name: str, path: Path, size_bytes: int) -> None:
        self.name = name
        self.path = path
        self.size_bytes = size_bytes

    def open(self) -> BinaryIO:
        """See :class:`chatkeep.formats.protocol.Member`."""
        return open_regular(self.path)


def files_below(root: Path, skipped: list[Skipped]) -> list[FileMember]:
    """All regular files below a folder, sorted by name; what is left out goes to ``skipped``.

    Symbolic links to folders are not followed (they may go round in circles), those to files only if they stay below
    ``root``.

    Raises:
        UnreadableSourceError: The folder cannot be listed, or holds more files than any export does.
    """
    root = root.resolve()
    found: list[FileMember] = []
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise UnreadableSourceError(f"{root}: {error.strerror or error}") from error
            skipped.append(Skipped(_name(folder, root), f"{error.strerror or error}"))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(Path(entry.path))
            else:
                found.extend(_file(entry, root, skipped))
        if len(found) > _MAX_FILES:
            raise UnreadableSourceError(f"{root}: more than {_MAX_FILES} files; name the folder of one export")
    return sorted(found, key=lambda member: member.name)


def _file(entry: os.DirEntry[str], root: Path, skipped: list[Skipped]) -> Iterator[FileMember]:
    path = Path(entry.path)
    name = _name(path, root)
    if entry.name == ".DS_Store":
        return
    try:
        if entry.is_symlink():
            path = path.resolve(strict=True)
            if not path.is_relative_to(root):
                skipped.append(Skipped(name, "a symbolic link out of the folder"))
                return
        found = path.stat()
    except (OSError, RuntimeError) as error:
        skipped.append(Skipped(name, str(getattr(error, "strerror", None) or "a symbolic link that leads nowhere")))
        return
    if stat.S_ISREG(found.st_mode):
        yield FileMember(name, path, found.st_size)
    else:
        skipped.append(Skipped(name, "not a regular file"))


def _name(path: Path, root: Path) -> str:
    # Bytes of a name that are no text in this locale must not make reports unprintable.
    return path.relative_to(root).as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
