"""Blobs in a directory: what a failure leaves, and what heals."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from chatkeep.blobs import DirectoryBlobs
from chatkeep.errors import StoreIOError


class _Unreadable(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "the stick was pulled out")


def test_content_that_cannot_be_read_is_not_the_stores_trouble(tmp_path: Path) -> None:
    """An import goes on after a source's bad file, and ends when the store's own disk fails."""
    blobs = DirectoryBlobs(tmp_path / "blobs")

    with pytest.raises(OSError, match="pulled out"):
        blobs.put(_Unreadable())
    assert list((tmp_path / "blobs").iterdir()) == []


def test_a_place_that_cannot_be_written_is_the_stores_trouble(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")

    with pytest.raises(StoreIOError):
        DirectoryBlobs(tmp_path / "blobs").put(io.BytesIO(b"x"))
    with pytest.raises(StoreIOError):
        DirectoryBlobs(tmp_path / "blobs").size("0" * 64)


@pytest.mark.parametrize("damaged", [b"", b"cup of te", b"cup of tEa"])
def test_putting_bytes_again_heals_them(tmp_path: Path, damaged: bytes) -> None:
    blobs = DirectoryBlobs(tmp_path / "blobs")
    blob = blobs.put(io.BytesIO(b"cup of tea"))
    path = tmp_path / "blobs" / blob.sha256[:2] / blob.sha256
    path.write_bytes(damaged)

    assert blobs.put(io.BytesIO(b"cup of tea")) == blob
    assert path.read_bytes() == b"cup of tea"


def test_leftovers_are_swept_after_a_day(tmp_path: Path) -> None:
    """Sooner, and another program's write would be swept away."""
    blobs = DirectoryBlobs(tmp_path / "blobs")
    kept = blobs.put(io.BytesIO(b"x"))
    old, new = tmp_path / "blobs" / ".old.tmp", tmp_path / "blobs" / ".new.tmp"
    old.write_bytes(b"y")
    new.write_bytes(b"z")
    os.utime(old, (time.time() - 25 * 3600,) * 2)

    assert blobs.sweep() == 1
    assert (old.exists(), new.exists(), blobs.size(kept.sha256)) == (False, True, 1)
