"""A disk that fills up in the middle of an import, a purge, a search or a reply: one clear error, nothing by half."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import apsw
import pytest

import chatkeep
from chatkeep.blobs import directory as blob_directory
from chatkeep.errors import SearchUnavailableError, StoreFullError
from chatkeep.keep import Keep
from tests.faults.vfs import FullDisk
from tests.unit.formats.chatgpt_samples import conversation, node, packed, picture

CHATS, TURNS = 6, 20
ROOMS = (0, 30_000, 150_000, 500_000, 4_000_000)
CLEAR = (StoreFullError, SearchUnavailableError)


class Disk(Protocol):
    """Where a store lies, and a hand on how much more fits there."""

    place: Path

    def leave(self, room: int | None) -> None:
        """Leave so many bytes; None frees what was taken."""
        ...


class CountedDisk:
    """Every database file of this process, and the attachments, share one room."""

    def __init__(self, place: Path, patch: pytest.MonkeyPatch) -> None:
        self.place = place
        self._disk = FullDisk()
        self._usual = apsw.vfs_names()[0]
        apsw.set_default_vfs(self._disk.name)
        write: Callable[..., Any] = blob_directory._write

        def counted(path: Path, content: BinaryIO, limit_bytes: int | None) -> Any:
            blob = write(path, content, limit_bytes)
            try:
                self._disk.take(blob.size_bytes)
            except apsw.FullError as error:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            return blob

        patch.setattr(blob_directory, "_write", counted)

    def leave(self, room: int | None) -> None:
        self._disk.room = room

    def close(self) -> None:
        self.leave(None)
        apsw.set_default_vfs(self._usual)


class RealDisk:
    """A file system in memory of some megabytes, and a file that takes what shall not be free."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def leave(self, room: int | None) -> None:
        self._filler.unlink(missing_ok=True)
        if room is not None:
            free = os.statvfs(self.place)
            with self._filler.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - room, 1))

    def close(self) -> None:
        # Lazily: a failing test may have left files open.
        subprocess.run(["umount", "-l", str(self.place)], check=True)


@pytest.fixture(params=["counted", "real"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    if request.param == "counted":
        counted = CountedDisk(place, monkeypatch)
        yield counted
        counted.close()
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("needs Linux's mount")
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    real = RealDisk(place)
    yield real
    real.close()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    chats = []
    for chat in range(CHATS):
        keys = [f"c{chat}-{turn}" for turn in range(TURNS)]
        nodes = [
            node(key, parent, f"{key} " + "thyme " * 200) for key, parent in zip(keys, [None, *keys], strict=False)
        ]
        nodes[1] = node(keys[1], keys[0], picture(f"file-service://file-{chat}"))
        chats.append(conversation(f"c{chat}", *nodes, title=f"chat {chat}"))
    pictures = {f"file-{chat}-p.png": bytes([chat]) * 30_000 for chat in range(CHATS)}
    return packed(tmp_path / "export.zip", {"conversations.json": chats, **pictures})


def _is_sound(keep: Keep) -> None:
    """All that is there is whole; bytes whose row found no room may lie about until they are tidied away."""
    assert {finding.code for finding in keep.check().findings} <= {"attachment-stray"}
    assert keep.check(repair=True).is_clean
    assert keep.check().findings == ()
    for item in keep.conversations.list(source="chatgpt").items:
        assert item.message_count == TURNS


def _outcome(call: Callable[[], object]) -> str:
    """Whether the call succeeded; an error that is not a clear one goes on."""
    try:
        call()
    except CLEAR:
        return "full"
    return "done"


def test_an_import_stops_and_goes_on_when_there_is_room(disk: Disk, export: Path) -> None:
    outcomes = set()
    for room in ROOMS:
        home = disk.place / f"keep-{room}"
        with chatkeep.open(home) as keep:
            keep.messages.append(keep.conversations.create().id, "user", "here before")
            disk.leave(room)
            outcomes.add(_outcome(lambda: keep.import_from(export)))
            assert len(keep.conversations.list().items) >= 1
            disk.leave(None)
            _is_sound(keep)

            keep.import_from(export)

            assert len(keep.conversations.list(source="chatgpt").items) == CHATS
            assert len(keep.search("thyme", limit=1000).hits) == CHATS * (TURNS - 1)
            _is_sound(keep)
        shutil.rmtree(home)
    assert outcomes == {"full", "done"}


def test_a_purge_is_finished_when_there_is_room(disk: Disk, export: Path) -> None:
    for room in ROOMS:
        home = disk.place / f"keep-{room}"
        with chatkeep.open(home) as keep:
            keep.import_from(export)
            ids = [item.id for item in keep.conversations.list().items]
            disk.leave(room)
            with contextlib.suppress(*CLEAR):
                keep.conversations.purge(*ids)
            disk.leave(None)

            keep.conversations.purge(*ids)

            assert keep.conversations.list().items == []
            _is_sound(keep)
            files = [path for path in home.rglob("*") if path.is_file()]
            assert [path.name for path in files if b"thyme" in path.read_bytes()] == []
            assert [path for path in files if "blobs" in path.parts] == []
        shutil.rmtree(home)


def test_a_reply_keeps_every_word_until_there_is_room(disk: Disk) -> None:
    for room in ROOMS[:3]:
        with chatkeep.open(disk.place / f"keep-{room}") as keep:
            chat = keep.conversations.create()
            reply = keep.messages.stream(chat.id)
            disk.leave(room)
            for number in range(20):
                # The error tells of the last flush; the words are kept all the same.
                with contextlib.suppress(StoreFullError):
                    reply.write(f"{number} " + "x" * 4_000)
                keep._opened.flusher.flush()
            _outcome(reply.finish)
            assert keep.messages.get(reply.message.id).status in ("streaming", "complete")
            disk.leave(None)
            if reply.is_open:
                reply.finish()

            message = keep.messages.get(reply.message.id)
            assert message.status == "complete"
            assert [int(piece) for piece in message.text.replace("x", " ").split()] == list(range(20))
            _is_sound(keep)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_full_disk_is_what_opening_says_or_it_reads(disk: Disk, export: Path, *, read_only: bool) -> None:
    """Where several may read at once, a little room is needed even for that."""
    if read_only and isinstance(disk, CountedDisk):
        pytest.skip("a layer in Python cannot take locks on files that are open for reading only")
    home = disk.place / "keep"
    with chatkeep.open(home) as keep:
        keep.import_from(export)
    disk.leave(0)

    with contextlib.suppress(StoreFullError), chatkeep.open(home, read_only=read_only) as keep:
        assert len(keep.conversations.list().items) == CHATS
        assert keep.search("thyme").hits
    disk.leave(None)

    with chatkeep.open(home) as keep:
        assert len(keep.conversations.list().items) == CHATS
        _is_sound(keep)


def test_a_store_that_is_open_is_read_while_the_disk_is_full(disk: Disk, export: Path) -> None:
    with chatkeep.open(disk.place / "keep") as keep:
        keep.import_from(export)
        disk.leave(0)
        with pytest.raises(StoreFullError):
            keep.messages.append(keep.conversations.list().items[0].id, "user", "x" * 100_000)

        assert len(keep.conversations.list().items) == CHATS
        assert keep.search("thyme").hits
        disk.leave(None)
