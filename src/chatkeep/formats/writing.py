"""Writing a destination so that it is whole or not there, and never over anything that is."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from chatkeep.errors import DestinationError, DestinationExistsError
from chatkeep.formats.protocol import Skipped
from chatkeep.model import new_id

_BUFFER_BYTES = 1024 * 1024


@contextlib.contextmanager
def new_file(destination: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes appear at ``destination`` when the block ends well; else nothing does.

    The file is readable by its owner alone. Missing folders above it are made.

    Raises:
        DestinationExistsError: Something is there, or came there while the block ran; it was not touched.
        DestinationError: The disk is full, access was refused, ...
    """
    temporary = _temporary(destination)
    with _reported(destination):
        try:
            with _private(temporary) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _publish(temporary, destination)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(destination: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``destination`` when the block ends well; else nothing is left of it.

    Folders are readable by their owner alone. An empty folder at ``destination`` is replaced.

    Raises:
        DestinationExistsError: Something else is there; it was not touched.
        DestinationError: The disk is full, access was refused, ...
    """
    temporary = _temporary(destination)
    with _reported(destination):
        temporary.mkdir(mode=0o700)
        try:
            yield temporary
            _sync_tree(temporary)
            _require_free(destination)
            if destination.is_dir():
                # Windows renames onto nothing that exists. Had somebody filled it meanwhile, this fails.
                destination.rmdir()
            temporary.rename(destination)
            sync_folder(destination.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def private_file(path: Path) -> BinaryIO:
    """A new file that its owner alone can read; it is an error if it is there."""
    return _private(path)


def copy_stream(source: BinaryIO, target: BinaryIO) -> int:
    """Copy to the end; how many bytes there were."""
    total = 0
    while piece := source.read(_BUFFER_BYTES):
        target.write(piece)
        total += len(piece)
    return total


def _private(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb", _BUFFER_BYTES)


def _temporary(destination: Path) -> Path:
    _require_free(destination)
    with _reported(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
    return destination.parent / f".{new_id()}.tmp"


def _require_free(destination: Path) -> None:
    with _reported(destination):
        if destination.is_symlink() or (destination.exists() and not _is_empty_folder(destination)):
            raise DestinationExistsError(destination)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and next(path.iterdir(), None) is None


def _publish(temporary: Path, destination: Path) -> None:
    try:
        # A rename would replace what somebody else has put there meanwhile; a link never does.
        os.link(temporary, destination)
    except FileExistsError:
        raise DestinationExistsError(destination) from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES):
            raise
        # FAT and some network shares know no links.
        _require_free(destination)
        temporary.rename(destination)
    sync_folder(destination.parent)


def _sync_tree(root: Path) -> None:
    for folder, _, files in os.walk(root):
        for name in files:
            with Path(folder, name).open("rb") as stream:
                os.fsync(stream.fileno())
        sync_folder(Path(folder))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; Windows does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reported(destination: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(f"cannot write {destination}: {error.strerror or error}") from error


class LeftOut:
    """Counts what a format has no place for, by conversation and kind; beyond ``limit`` entries by kind alone."""

    def __init__(self, *, limit: int = 1_000) -> None:
        self._limit = limit
        self._found: list[Skipped] = []
        self._more: Counter[str] = Counter()

    def add(self, conversation_id: str, counts: Counter[str]) -> None:
        """Note for one conversation how many of each kind were left out."""
        for kind, count in sorted(counts.items()):
            if len(self._found) < self._limit:
                self._found.append(Skipped(f"conversation {conversation_id}", f"{count} {kind}"))
            else:
                self._more[kind] += count

    def found(self) -> tuple[Skipped, ...]:
        """All of it."""
        return (
            *self._found,
            *(Skipped("other conversations", f"{n} {kind}") for kind, n in sorted(self._more.items())),
        )
