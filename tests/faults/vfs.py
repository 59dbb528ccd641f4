"""File layers for SQLite that break one promise each. Register one under a name, open an engine with ``vfs=`` it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import apsw

_numbers = itertools.count()
# By its name: a test may make its own layer the one that is used where none is named.
_USUAL = apsw.vfs_names()[0]

SECTOR = 512
"""What a disk writes whole or not at all."""


class _Layer(apsw.VFS):
    """Passes everything on to the real layer; the name is its own, so that tests do not meet."""

    def __init__(self) -> None:
        self.name = f"faulty-{next(_numbers)}"
        super().__init__(self.name, _USUAL)


class FullDisk(_Layer):
    """A disk with so much room: once files have grown by ``room`` bytes, it is full until somebody sets that anew."""

    def __init__(self) -> None:
        self.room: int | None = None
        super().__init__()

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's name for it
        return _FullDiskFile(self, name, flags)

    def take(self, amount: int) -> None:
        """Use up room, or fail."""
        if self.room is not None:
            if self.room < amount:
                raise apsw.FullError("no room left")
            self.room -= amount


class _FullDiskFile(apsw.VFSFile):
    def __init__(self, disk: FullDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__(_USUAL, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's name for it
        self._disk.take(max(offset + len(data) - self.xFileSize(), 0))
        super().xWrite(data, offset)


class FailingDisk(_Layer):
    """Every write, or every sync, fails while ``broken`` says so."""

    def __init__(self) -> None:
        self.broken: Literal["write", "sync"] | None = None
        super().__init__()

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's name for it
        return _FailingFile(self, name, flags)


class _FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__(_USUAL, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's name for it
        if self._disk.broken == "write":
            raise apsw.IOError("write failed")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite's name for it
        if self._disk.broken == "sync":
            raise apsw.IOError("sync failed")
        super().xSync(flags)


class Event(NamedTuple):
    """Something that happened to a file, or an ``ack``: a write that was acknowledged, with its text as ``data``."""

    kind: Literal["write", "truncate", "sync", "delete", "ack"]
    path: str = ""
    offset: int = 0
    data: bytes = b""


class RecordingDisk(_Layer):
    """Writes down what reaches the disk in which order, for :func:`survivors`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        super().__init__()

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's name for it
        return _RecordedFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  # SQLite's name for it
        super().xDelete(filename, syncdir)
        self.events.append(Event("delete", filename))

    def acknowledged(self, text: str) -> None:
        """From now on this text must survive."""
        self.events.append(Event("ack", data=text.encode()))


class _RecordedFile(apsw.VFSFile):
    def __init__(self, disk: RecordingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__(_USUAL, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's name for it
        super().xWrite(data, offset)
        self._disk.events.append(Event("write", self._path, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802  # SQLite's name for it
        super().xTruncate(size)
        self._disk.events.append(Event("truncate", self._path, size))

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite's name for it
        super().xSync(flags)
        self._disk.events.append(Event("sync", self._path))


class Survivor(NamedTuple):
    """What a power cut leaves: files by path, and the texts that had been acknowledged."""

    files: dict[str, bytes]
    acknowledged: list[str]


def survivors(events: list[Event], *, seed: int | None) -> Iterator[Survivor]:
    """The disk after a power cut before each event, and after the last.

    Args:
        seed: None drops all that was not synced. A number keeps some of it, sector by sector, in no order.
    """
    durable: dict[str, bytearray] = {}
    pending: dict[str, list[Event]] = {}
    acknowledged: list[str] = []
    luck = None if seed is None else random.Random(seed)
    for event in events:
        yield Survivor(_after_cut(durable, pending, luck), list(acknowledged))
        if event.kind == "ack":
            acknowledged.append(event.data.decode())
        elif event.kind == "delete":
            durable.pop(event.path, None)
            pending.pop(event.path, None)
        elif event.kind == "sync":
            content = durable.setdefault(event.path, bytearray())
            for waiting in pending.pop(event.path, []):
                _apply(content, waiting)
        else:
            pending.setdefault(event.path, []).append(event)
    yield Survivor(_after_cut(durable, pending, luck), list(acknowledged))


def _after_cut(
    durable: dict[str, bytearray], pending: dict[str, list[Event]], luck: random.Random | None
) -> dict[str, bytes]:
    files = {path: bytes(content) for path, content in durable.items()}
    if luck is None:
        return files
    for path, events in pending.items():
        content = bytearray(files.get(path, b""))
        for event in events:
            if event.kind == "truncate":
                if luck.random() < 0.5:
                    _apply(content, event)
                continue
            for start in range(0, len(event.data), SECTOR):
                if luck.random() < 0.5:
                    piece = event.data[start : start + SECTOR]
                    _apply(content, Event("write", path, event.offset + start, piece))
        files[path] = bytes(content)
    return files


def _apply(content: bytearray, event: Event) -> None:
    if event.kind == "truncate":
        del content[event.offset :]
        content.extend(bytes(event.offset - len(content)))
    else:
        content.extend(bytes(max(event.offset - len(content), 0)))
        content[event.offset : event.offset + len(event.data)] = event.data


def restore(survivor: Survivor, directory: Path) -> None:
    """Write the files that a power cut left into another directory, beside the lock directory made before them."""
    (directory / "locks").mkdir(parents=True)
    for path, content in survivor.files.items():
        (directory / Path(path).name).write_bytes(content)
