"""Purged is gone: after kills half way, beside others who need the same bytes, and whatever is imported later."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

import chatkeep
from chatkeep.blobs import DirectoryBlobs
from chatkeep.blobs.protocol import Blob
from chatkeep.errors import BlobMissingError, ConversationNotFoundError
from chatkeep.keep import Keep
from chatkeep.model import AttachmentRef, Text
from chatkeep.services.importing import import_source
from chatkeep.store import Filter, Store
from tests.unit.formats.chatgpt_samples import conversation, node, packed, picture

PROGRAM = Path(__file__).with_name("purging_process.py")
SECRET = "xyzzyplugh"


def _with_secret(keep: Keep) -> str:
    chat = keep.conversations.create(title=SECRET)
    file = keep.attachments.add(io.BytesIO(SECRET.encode() * 9), name="s.txt")
    keep.messages.append(chat.id, "user", (Text(text=SECRET), AttachmentRef(attachment_id=file.id)))
    assert keep.search(SECRET).hits
    return chat.id


def _files_with_secret(directory: Path) -> list[str]:
    return [
        path.name
        for path in directory.rglob("*")
        if path.is_file() and "locks" not in path.parts and SECRET.encode() in path.read_bytes()
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("way", ["purge", "repair"])
def test_a_purge_that_was_killed_can_be_finished(tmp_path: Path, steps: int, way: str) -> None:
    with chatkeep.open(tmp_path) as keep:
        chat = _with_secret(keep)
    subprocess.run([sys.executable, str(PROGRAM), str(tmp_path), chat, str(steps)], check=False)
    assert _files_with_secret(tmp_path)

    # Another one is open all the time: closing the last one would empty the log.
    with chatkeep.open(tmp_path) as keep:
        if way == "purge":
            keep.conversations.purge(chat)
        else:
            assert keep.check(repair=True).is_clean
        assert _files_with_secret(tmp_path) == []


def test_what_never_was_cannot_be_purged(tmp_path: Path) -> None:
    with chatkeep.open(tmp_path) as keep:
        keep.conversations.purge(_with_secret(keep))

        with pytest.raises(ConversationNotFoundError):
            keep.conversations.purge("01a1f8c0-0000-7000-8000-000000000000")


class PurgedMeanwhile(DirectoryBlobs):
    """Whenever bytes have been put, somebody else's purge finds that no row names them; so many times."""

    def __init__(self, root: Path, times: int) -> None:
        super().__init__(root)
        self.collect: Callable[[list[str]], int] = lambda _: 0
        self._left = times

    def put(self, content: BinaryIO, *, limit_bytes: int | None = None) -> Blob:
        blob = super().put(content, limit_bytes=limit_bytes)
        if self._left:
            self._left -= 1
            self.collect([blob.sha256])
        return blob


def _beside_purges(keep: Keep, times: int) -> Store:
    blobs = PurgedMeanwhile(keep.directory / "blobs", times)
    store = Store(keep._store.engine, blobs, keep._store.index, keep.owner)
    blobs.collect = store.collect
    return store


class OneWay(io.BytesIO):
    """A stream that cannot be read again."""

    def seekable(self) -> bool:
        return False


def test_bytes_that_are_purged_while_they_are_added_are_put_again(tmp_path: Path) -> None:
    with chatkeep.open(tmp_path) as keep:
        store = _beside_purges(keep, times=2)
        content = io.BytesIO(b"skipped, then kept")
        content.seek(9)

        added = store.attachments.add(content, name="n")

        with store.attachments.open(added.id) as found:
            assert found.read() == b"then kept"
        assert keep.check().findings == ()


def test_bytes_that_are_purged_and_cannot_be_read_again_are_an_error(tmp_path: Path) -> None:
    with chatkeep.open(tmp_path) as keep:
        store = _beside_purges(keep, times=1)

        with pytest.raises(BlobMissingError):
            store.attachments.add(OneWay(b"gone"), name="n")

        assert keep.check().findings == ()


def _export(path: Path, *ids: str) -> Path:
    chats = [conversation(id, node(f"{id}-m", None, picture(f"file-service://file-{id}"))) for id in ids]
    files = {f"file-{id}-p.png": f"\x89PNG {id} {SECRET}".encode() for id in ids}
    return packed(path, {"conversations.json": chats, **files})


@pytest.mark.parametrize("times", [1, 3])
def test_bytes_that_are_purged_while_they_are_imported_are_put_again(tmp_path: Path, times: int) -> None:
    source = _export(tmp_path / "export.zip", "a", "b", "c")
    with chatkeep.open(tmp_path / "keep") as keep:
        report = import_source(_beside_purges(keep, times), source)

        assert (report.conversations.added, report.attachments.added, report.skipped) == (3, 3, [])
        assert keep.check().findings == ()


def test_an_import_brings_back_no_byte_of_what_was_purged(tmp_path: Path) -> None:
    source = _export(tmp_path / "export.zip", "a")
    with chatkeep.open(tmp_path / "keep") as keep:
        keep.import_from(source)
        [item] = keep._store.conversations.list(Filter()).items
        keep.conversations.purge(item.id)

        report = keep.import_from(source)

        assert report.purged == 1
        assert _files_with_secret(keep.directory) == []
        assert keep.import_from(source, include_purged=True).attachments.added == 1
