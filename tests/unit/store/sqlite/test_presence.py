"""Presence by file locks: alive is who holds the lock, whatever else is left lying about."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.errors import StoreClosedError, StorePermissionError, StoreReadOnlyError
from chatkeep.store.sqlite import FilePresence


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def presence(locks: Path) -> Iterator[FilePresence]:
    made = FilePresence(locks)
    yield made
    made.close()


@pytest.fixture
def other(locks: Path) -> Iterator[FilePresence]:
    made = FilePresence(locks)
    yield made
    made.close()


def _is_gone(presence: FilePresence, writer_id: str) -> bool:
    with presence.claim(writer_id) as is_gone:
        return is_gone


def test_nothing_is_made_before_the_id_is_asked_for(presence: FilePresence, locks: Path) -> None:
    presence.sweep()
    assert list(locks.iterdir()) == []

    writer_id = presence.writer_id()

    assert [path.name for path in locks.iterdir()] == [writer_id]
    assert presence.writer_id() == presence.writer_id()


def test_the_living_cannot_be_claimed(presence: FilePresence, other: FilePresence) -> None:
    assert not _is_gone(other, presence.writer_id())
    assert not _is_gone(presence, presence.writer_id())


def test_who_closed_is_gone_and_leaves_no_file(presence: FilePresence, other: FilePresence, locks: Path) -> None:
    writer_id = presence.writer_id()
    presence.close()
    presence.close()

    assert _is_gone(other, writer_id)
    assert list(locks.iterdir()) == []


def test_a_claim_is_for_one_and_takes_the_file_along(presence: FilePresence, other: FilePresence, locks: Path) -> None:
    left = locks / f"writer-{'0' * 32}"
    left.touch()

    with presence.claim(left.name) as mine:
        assert mine
        assert not _is_gone(other, left.name)

    assert not left.exists()
    assert _is_gone(other, left.name)


def test_a_claim_that_came_to_nothing_can_be_repeated(presence: FilePresence, locks: Path) -> None:
    """The disk was full: the stream is still there, and so must its chance be."""
    left = locks / f"writer-{'0' * 32}"
    left.touch()

    with pytest.raises(OSError, match="full"), presence.claim(left.name):
        raise OSError("full")

    assert _is_gone(presence, left.name)


def test_sweeping_removes_only_what_the_dead_left(presence: FilePresence, other: FilePresence, locks: Path) -> None:
    (locks / f"writer-{'0' * 32}").touch()
    (locks / "turn-a").touch()
    (locks / "writer-notes.txt").touch()
    alive = presence.writer_id()

    other.sweep()

    assert {path.name for path in locks.iterdir()} == {alive, "turn-a", "writer-notes.txt"}


@pytest.mark.parametrize("writer_id", ["../../chats.db", "", "writer-", "turn-a", "writer-" + "0" * 31 + "/"])
def test_an_odd_id_becomes_no_path(presence: FilePresence, locks: Path, writer_id: str) -> None:
    """It comes out of a database that somebody else may have made."""
    (locks / "turn-a").touch()

    assert _is_gone(presence, writer_id)
    assert (locks / "turn-a").exists()


def test_a_killed_process_is_gone(presence: FilePresence, locks: Path) -> None:
    program = (
        "import sys, pathlib\nfrom chatkeep.store.sqlite import FilePresence\n"
        "presence = FilePresence(pathlib.Path(sys.argv[1]))\n"
        "print(presence.writer_id(), flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(locks)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        writer_id = process.stdout.readline().strip()
        assert not _is_gone(presence, writer_id)
        process.kill()
        process.wait(30)

    assert _is_gone(presence, writer_id)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_neither_keeps_the_lock_nor_uses_it(presence: FilePresence, other: FilePresence) -> None:
    """An inherited descriptor would keep a dead writer alive for as long as any of its children lives."""
    writer_id = presence.writer_id()
    ready, release = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            presence.writer_id()
            os.write(ready[1], b"used it")
        except StoreClosedError:
            os.write(ready[1], b"refused")
        presence.close()
        os.read(release[0], 1)
        os._exit(0)
    try:
        assert os.read(ready[0], 10) == b"refused"
        assert not _is_gone(other, writer_id)
        presence.close()
        assert _is_gone(other, writer_id)
    finally:
        os.write(release[1], b"x")
        os.waitpid(child, 0)


def test_a_closed_or_read_only_store_has_no_writers(presence: FilePresence, locks: Path) -> None:
    presence.close()
    with pytest.raises(StoreClosedError):
        presence.writer_id()
    with pytest.raises(StoreReadOnlyError):
        FilePresence(locks, read_only=True).writer_id()
    with pytest.raises(StorePermissionError):
        FilePresence(locks / "missing").writer_id()
    assert list(locks.iterdir()) == []


def test_a_lock_file_that_cannot_be_opened_proves_nothing(presence: FilePresence, locks: Path) -> None:
    """It may belong to another user; an error here would keep the whole store shut."""
    writer_id = f"writer-{'0' * 32}"
    (locks / writer_id).symlink_to(writer_id)

    assert not _is_gone(presence, writer_id)
    presence.sweep()
