"""What lies where in an instance directory, and how its files are made: nobody else may look in."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

import msgspec

from chatkeep.errors import InstanceError

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


class Layout(msgspec.Struct, frozen=True):
    """The places of one instance; naming a place does not make it."""

    directory: Path

    @property
    def chats_db(self) -> Path:
        """The store. Only an engine opens it."""
        return self.directory / "chats.db"

    @property
    def search_db(self) -> Path:
        """The search index; it can be made anew from the store."""
        return self.directory / "search.db"

    @property
    def blobs(self) -> Path:
        """Bytes of attachments, whoever made them, addressed by their content."""
        return self.directory / "blobs"

    @property
    def locks(self) -> Path:
        """Lock files of the processes that use the instance."""
        return self.directory / "locks"

    @property
    def logs(self) -> Path:
        """Log files, unless LOG_DIR says otherwise."""
        return self.directory / "logs"

    @property
    def backups(self) -> Path:
        """Where snapshots go unless told otherwise."""
        return self.directory / "backups"

    @property
    def exists(self) -> bool:
        """Whether a store is there. Raises InstanceError if the system does not let us look."""
        try:
            return stat.S_ISREG(self.chats_db.stat().st_mode)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise InstanceError(
                f"cannot look into {self.directory}: {error.strerror}: choose another place with --home DIR,"
                " or look at its permissions"
            ) from error


def create(directory: Path) -> Layout:
    """Make the instance directory, with every missing one above it, for its owner alone; repeating it is harmless.

    Modes of directories that are there already are left as they are.

    Raises:
        InstanceError: Something else is in the way, or the system refuses.
    """
    make_private_directory(directory)
    return Layout(directory)


def make_private_directory(directory: Path) -> None:
    """Make ``directory`` and what is missing above it with mode 0700, whatever the umask.

    Raises:
        InstanceError: Something else is in the way, or the system refuses.
    """
    try:
        missing = []
        place = directory
        while not place.exists():
            missing.append(place)
            place = place.parent
        for place in reversed(missing):
            _make_one(place)
        is_there = directory.is_dir()
    except OSError as error:
        raise InstanceError(f"cannot make {directory}: {error.strerror or error}") from error
    if not is_there:
        raise InstanceError(f"{directory} is not a directory: choose another place with --home DIR")


def _make_one(place: Path) -> None:
    try:
        place.mkdir(mode=DIRECTORY_MODE)
    except FileExistsError:
        return  # another process was faster
    # mkdir's mode is cut by the umask, which could take the owner's own bits away.
    if os.name == "posix":
        place.chmod(DIRECTORY_MODE)
        # The name must survive a power cut: what is acknowledged later lies below it.
        with contextlib.suppress(OSError):
            _sync_directory(place.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_private(path: Path, *, append: bool = False) -> BinaryIO:
    """Open a file for writing that only its owner can read, made with mode 0600 whatever the umask.

    Without ``append`` the file must not exist yet.

    Raises:
        OSError: As the system says; FileExistsError among others.
    """
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_BINARY", 0) | (os.O_APPEND if append else os.O_EXCL)
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        if os.name == "posix" and stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
        return os.fdopen(descriptor, "ab" if append else "wb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def others_may_read(path: Path) -> bool:
    """Whether group or world have any permission on ``path``; always False where modes mean nothing."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
