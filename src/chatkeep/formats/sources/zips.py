"""Zip archives read in place: nothing is unpacked, so no name in them is ever used as a path."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Skipped

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_END = b"PK\x05\x06"
_END64_LOCATOR = b"PK\x06\x07"
_END64 = b"PK\x06\x06"
_ENCRYPTED = 0x1
_UTF8 = 0x800
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class ZipLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a zip may hold before it counts as a bomb; honest exports of many GB stay far below."""

    total_bytes: int = 256 * 1024**3
    ratio: int = 500
    """Unpacked size by packed size, minded only above ``ratio_from_bytes``: small files may be mere repetition."""
    ratio_from_bytes: int = 1024**3
    directory_bytes: int = 128 * 1024**2
    """The list of files, which is held in memory: about 10 times its size."""


class ZipMember:
    """One file of an archive."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> None:
        self._archive = archive
        self._info = info
        self.name = name
        self.size_bytes = info.file_size

    def open(self) -> BinaryIO:
        """See :class:`chatkeep.formats.protocol.Member`; reading raises as well when the bytes are damaged."""
        try:
            stream = self._archive.open(self._info)
        except _DAMAGE as error:
            raise _damaged(self.name, error) from error
        return io.BufferedReader(_GuardedStream(stream, self.name), 256 * 1024)


class _GuardedStream(io.RawIOBase):
    """Turns what a damaged archive makes the readers raise into one error that names the member."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except _DAMAGE as error:
            raise _damaged(self._name, error) from error
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._stream.seek(offset, whence)
        except _DAMAGE as error:
            raise _damaged(self._name, error) from error

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


def _damaged(name: str, error: BaseException) -> UnreadableSourceError:
    return UnreadableSourceError(f"{shown(name)}: damaged in the zip ({type(error).__name__})")


def shown(name: str) -> str:
    """A hostile name as it may appear in a report."""
    return _CONTROL.sub("?", name.encode("utf-8", "replace").decode("utf-8"))[:200]


def open_zip(path: Path, stream: BinaryIO, limits: ZipLimits) -> zipfile.ZipFile:
    """Open an archive and refuse what cannot be read or would never end.

    Raises:
        UnreadableSourceError: Cut off, encrypted, overlapping or a bomb.
    """
    size = stream.seek(0, io.SEEK_END)
    try:
        if _directory_size(stream, size) > limits.directory_bytes:
            raise UnreadableSourceError(f"{path.name}: lists more files than any export holds")
        archive = zipfile.ZipFile(stream)
    except UnreadableSourceError:
        raise
    except (*_DAMAGE, struct.error) as error:
        raise UnreadableSourceError(
            f"{path.name}: not a whole zip; it is cut off or damaged: download it again"
        ) from error
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    if sum(entry.compress_size for entry in entries) > size:
        raise UnreadableSourceError(f"{path.name}: files overlap inside the zip, as only a zip bomb has it")
    if total > limits.total_bytes or (total > limits.ratio_from_bytes and total > limits.ratio * size):
        raise UnreadableSourceError(f"{path.name}: {size} bytes would unpack to {total}, as a zip bomb does")
    if locked := next((entry for entry in entries if entry.flag_bits & _ENCRYPTED), None):
        raise UnreadableSourceError(f"{path.name}: {shown(locked.filename)} is encrypted: unpack it, import the folder")
    return archive


def _directory_size(stream: BinaryIO, size: int) -> int:
    """Size of the archive's list of files, asked before the standard library reads all of it into memory."""
    stream.seek(max(0, size - 66_000))
    tail = stream.read(66_000)
    at = tail.rfind(_END)
    if at == -1:
        raise zipfile.BadZipFile
    listed = int(struct.unpack_from("<L", tail, at + 12)[0])
    locator = at - 20
    if locator >= 0 and tail.startswith(_END64_LOCATOR, locator):
        stream.seek(struct.unpack_from("<Q", tail, locator + 8)[0])
        record = stream.read(56)
        if record.startswith(_END64):
            listed = max(listed if listed != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", record, 40)[0]))
    return listed


def zip_members(archive: zipfile.ZipFile, skipped: list[Skipped]) -> list[ZipMember]:
    """The archive's files, sorted by name; what is left out goes to ``skipped``.

    Of entries with one name the last counts, as in every unpacker. Names with backslashes, which old Windows programs
    write, are read as paths.
    """
    found: dict[str, ZipMember] = {}
    for info in archive.infolist():
        raw = _decoded_name(info)
        name = raw.replace("\\", "/")
        if name.endswith("/") or _is_litter(name):
            continue
        reason = _refusal(info, name)
        if reason is not None:
            skipped.append(Skipped(shown(raw), reason))
            continue
        name = "/".join(segment for segment in name.split("/") if segment not in ("", "."))
        if name in found:
            skipped.append(Skipped(shown(name), "the zip holds this name more than once: the last one is read"))
        found[name] = ZipMember(archive, info, name)
    return [found[name] for name in sorted(found)]


def _decoded_name(info: zipfile.ZipInfo) -> str:
    # Many programs write UTF-8 without saying so; the standard library then reads it as CP437.
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _is_litter(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _refusal(info: zipfile.ZipInfo, name: str) -> str | None:
    if (
        not name.strip("./")
        or name.startswith("/")
        or _DRIVE.match(name)
        or ".." in name.split("/")
        or _CONTROL.search(name)
    ):
        return "its name leads out of the archive, or is no name"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "a symbolic link" if kind == stat.S_IFLNK else "not a regular file"
    # The others may unpack a few bytes to gigabytes in one step.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"packed by method {info.compress_type}, which is not supported: unpack it and import the folder"
    return None
