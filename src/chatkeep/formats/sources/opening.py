"""Opening a source, whatever it is."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import apsw

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Closeable, Member, Skipped
from chatkeep.formats.sources.databases import JOURNALS, MAGIC, copy_file, copy_streams, open_copy
from chatkeep.formats.sources.files import FileMember, files_below, open_regular
from chatkeep.formats.sources.zips import ZipLimits, open_zip, zip_members

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")


class OpenedSource:
    """A :class:`chatkeep.formats.protocol.Source`; a context manager that closes all it has opened."""

    def __init__(self, path: Path, kind: str, members: Sequence[Member], skipped: Sequence[Skipped]) -> None:
        self.path = path
        self.kind = kind
        self.skipped = tuple(skipped)
        self._members = members
        self._databases: dict[str, apsw.Connection] = {}
        self._stack = ExitStack()

    def members(self) -> list[Member]:
        return list(self._members)

    def member(self, base_name: str) -> Member | None:
        found = [member for member in self._members if member.name.rpartition("/")[2] == base_name]
        return min(found, key=lambda member: (member.name.count("/"), member.name), default=None)

    def database(self, name: str | None = None) -> apsw.Connection:
        chosen = next((member for member in self._members if name in (None, member.name)), None)
        if chosen is None or (name is None and self.kind != "sqlite"):
            raise UnreadableSourceError(f"{self.path}: holds no database {name or ''}".rstrip())
        if chosen.name not in self._databases:
            self._databases[chosen.name] = self._open_database(chosen)
        return self._databases[chosen.name]

    def _open_database(self, member: Member) -> apsw.Connection:
        folder = Path(tempfile.mkdtemp(prefix="chatkeep-source-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if isinstance(member, FileMember):
            copy = copy_file(member.path, folder)
        else:
            wanted = {f"{member.name}{suffix}": suffix for suffix in ("", *JOURNALS)}
            streams = {wanted[other.name]: other.open for other in self._members if other.name in wanted}
            copy = copy_streams(streams, folder, member.name)
        connection = open_copy(copy, member.name)
        self._stack.callback(connection.close)
        return connection

    def keep_open(self, resource: Closeable) -> None:
        """Close ``resource`` together with this source."""
        self._stack.callback(resource.close)

    def close(self) -> None:
        """Close every database and archive, and remove private copies; repeating it is harmless."""
        self._databases.clear()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(path: Path, *, zip_limits: ZipLimits | None = None) -> OpenedSource:
    """Open a file, zip, folder or SQLite database for reading; use it in a ``with``.

    A symbolic link given as ``path`` is followed: the user named it.

    Raises:
        UnreadableSourceError: Not there, not a file or folder, access refused; for a zip: damaged, encrypted, a bomb.
    """
    try:
        place = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UnreadableSourceError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if place.is_dir():
        skipped: list[Skipped] = []
        return OpenedSource(path, "directory", files_below(place, skipped), skipped)
    stream = open_regular(place)
    try:
        head = stream.read(len(MAGIC))
        if head.startswith(_ZIP_MAGICS):
            return _zip_source(path, stream, zip_limits or ZipLimits())
        member = FileMember(path.name, place, stream.seek(0, 2))
    except BaseException:
        stream.close()
        raise
    stream.close()
    return OpenedSource(path, "sqlite" if head == MAGIC else "file", [member], ())


def _zip_source(path: Path, stream: BinaryIO, limits: ZipLimits) -> OpenedSource:
    archive = open_zip(path, stream, limits)
    skipped: list[Skipped] = []
    source = OpenedSource(path, "zip", zip_members(archive, skipped), skipped)
    source.keep_open(stream)
    return source
