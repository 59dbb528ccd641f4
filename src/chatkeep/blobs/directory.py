"""Blobs in a directory: ``blobs/<first two hex digits>/<sha-256>``.

A blob is written under a temporary name in the same directory, synced, renamed and its folder synced, so that a file
with a proper name is always whole. What a crash leaves under a temporary name is swept after a day.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import BinaryIO

from chatkeep.blobs.protocol import Blob
from chatkeep.errors import BlobMissingError, StoreError, StoreFullError, StoreIOError, StorePermissionError
from chatkeep.model import new_id

_CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"[0-9a-f]{64}")
_STALE_S = 24 * 3600


class DirectoryBlobs:
    """See :class:`chatkeep.blobs.Blobs`; directories are 0700, files 0600."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: BinaryIO, *, limit_bytes: int | None = None) -> Blob:
        """See :class:`chatkeep.blobs.Blobs`."""
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self._root / f".{new_id()}.tmp"
            try:
                blob = _write(temporary, content, limit_bytes)
                self._publish(temporary, blob.sha256)
            finally:
                temporary.unlink(missing_ok=True)
        except _UnreadableContent as failure:
            raise failure.error from None
        except OSError as error:
            raise _store_error(error, self._root) from error
        return blob

    def _publish(self, temporary: Path, sha256: str) -> None:
        final = self._path(sha256)
        if not final.parent.is_dir():
            final.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_directory(self._root)
        try:
            # Also if it is there: what lies there may have been damaged since.
            temporary.replace(final)
        except PermissionError:
            if not final.exists():
                raise
            return  # Windows replaces no file that somebody reads
        _sync_directory(final.parent)

    def open(self, sha256: str) -> BinaryIO:
        """See :class:`chatkeep.blobs.Blobs`."""
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise BlobMissingError(sha256) from error
        except OSError as error:
            raise _store_error(error, self._root) from error

    def size(self, sha256: str) -> int | None:
        """See :class:`chatkeep.blobs.Blobs`."""
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _store_error(error, self._root) from error

    def delete(self, sha256: str) -> bool:
        """See :class:`chatkeep.blobs.Blobs`."""
        path = self._path(sha256)
        try:
            path.unlink()
            _sync_directory(path.parent)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _store_error(error, self._root) from error
        return True

    def all(self) -> Iterator[Blob]:
        """See :class:`chatkeep.blobs.Blobs`."""
        try:
            with os.scandir(self._root) as folders:
                names = sorted(f.name for f in folders if len(f.name) == 2 and f.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return
        for name in names:
            with os.scandir(self._root / name) as entries:
                found = [
                    Blob(e.name, e.stat(follow_symlinks=False).st_size) for e in entries if _NAME.fullmatch(e.name)
                ]
            yield from found

    def sweep(self) -> int:
        """See :class:`chatkeep.blobs.Blobs`."""
        swept = 0
        with contextlib.suppress(FileNotFoundError):
            for path in self._root.glob(".*.tmp"):
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > _STALE_S:
                        path.unlink()
                        swept += 1
        return swept

    def _path(self, sha256: str) -> Path:
        if not _NAME.fullmatch(sha256):
            raise BlobMissingError(sha256)
        return self._root / sha256[:2] / sha256


def _write(path: Path, content: BinaryIO, limit_bytes: int | None) -> Blob:
    digest, size = new_sha256(), 0
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := _read(content):
            size += len(chunk)
            if limit_bytes is not None and size > limit_bytes:
                raise ValueError(f"more than {limit_bytes} bytes")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return Blob(digest.hexdigest(), size)


class _UnreadableContent(Exception):  # noqa: N818  # carries an error past the place where those of our own disk are told
    def __init__(self, error: OSError) -> None:
        self.error = error


def _read(content: BinaryIO) -> bytes:
    try:
        return content.read(_CHUNK_BYTES)
    except OSError as error:
        raise _UnreadableContent(error) from error


def _sync_directory(path: Path) -> None:
    if os.name == "nt":
        return  # Windows has no way to sync a folder; its rename is journalled
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _store_error(error: OSError, root: Path) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(f"no space left for attachments in {root}: free some and repeat; nothing was changed")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorePermissionError(f"no permission to use {error.filename or root}: {error.strerror}")
    return StoreIOError(f"cannot use attachments in {root}: {error.strerror or error}")
