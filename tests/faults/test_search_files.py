"""The index is right by itself, whatever became of its file or of the store behind its back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import chatkeep
from chatkeep.keep import Keep

WORDS = ("apple", "banana", "cherry")
KILLED = """
import os, signal, sys, threading
from pathlib import Path
import chatkeep
keep = chatkeep.open(Path(sys.argv[1]))
chat = keep.conversations.list().items[0].id
keep.messages.extend(chat, [("user", f"cherry {number}") for number in range(3_000)])
threading.Timer(float(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
while keep.search("cherry", wait=True):
    pass
"""


def _add(keep: Keep, word: str) -> None:
    chats = keep.conversations.list().items
    chat = chats[0].id if chats else keep.conversations.create(title="fruit").id
    keep.messages.extend(chat, [("user", f"{word} {number}") for number in range(50)])
    assert len(keep.search(word, limit=1000).hits) == 50


def _files(place: Path, name: str) -> list[Path]:
    return [path for path in (place / name, place / f"{name}-wal", place / f"{name}-shm") if path.exists()]


def _copy(source: Path, target: Path, name: str) -> None:
    target.mkdir(exist_ok=True)
    for path in _files(target, name):
        path.unlink()
    for path in _files(source, name):
        shutil.copy(path, target)


@pytest.fixture
def stages(tmp_path: Path) -> list[Path]:
    """One store after one, two and three words, each with its index."""
    made = []
    for number, word in enumerate(WORDS):
        with chatkeep.open(tmp_path / "live") as keep:
            _add(keep, word)
        made.append(tmp_path / f"stage-{number}")
        for name in ("chats.db", "search.db"):
            _copy(tmp_path / "live", made[-1], name)
    return made


def _assert_right(place: Path, words: int) -> None:
    with chatkeep.open(place) as keep:
        found = {word: len(keep.search(word, limit=1000, wait=True).hits) for word in WORDS}
        assert found == {word: 50 * (number < words) for number, word in enumerate(WORDS)}
        assert len(keep.search("in:title fruit").hits) == 1
        assert keep.check().findings == ()


@pytest.mark.parametrize(("chats", "search"), [(0, 2), (2, 0), (1, 2), (2, 1), (0, 1)])
def test_a_store_beside_an_index_of_another_moment(stages: list[Path], tmp_path: Path, chats: int, search: int) -> None:
    """As after a copy of one file only; the older store may by then have other changes at the same places."""
    place = tmp_path / "mixed"
    _copy(stages[chats], place, "chats.db")
    _copy(stages[search], place, "search.db")

    _assert_right(place, chats + 1)


def test_an_older_store_that_has_gone_another_way(stages: list[Path], tmp_path: Path) -> None:
    """The same number of changes as the index knows, and none of them the same."""
    place = tmp_path / "mixed"
    _copy(stages[0], place, "chats.db")
    with chatkeep.open(place) as keep:
        chat = keep.conversations.list().items[0].id
        keep.messages.extend(chat, [("user", f"durian {number}") for number in range(100)])
    for path in _files(place, "search.db"):
        path.unlink()
    _copy(stages[2], place, "search.db")

    with chatkeep.open(place) as keep:
        assert len(keep.search("durian", limit=1000).hits) == 100
        assert keep.search("cherry").hits == []
        assert keep.check().findings == ()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def _cut_in_the_header(path: Path) -> None:
    os.truncate(path, 60)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_bytes(b"this is no database " * 1_000)


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(4_000, len(content), 4_099):
        content[place] ^= 0xFF
    path.write_bytes(content)


def _of_another_program(path: Path) -> None:
    import apsw

    path.unlink()
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
    connection.close()


@pytest.mark.parametrize("spoil", [_cut, _cut_in_the_header, _empty, _text, _flipped, _of_another_program])
def test_an_index_that_is_spoilt_is_made_anew(stages: list[Path], spoil: Callable[[Path], None]) -> None:
    spoil(stages[2] / "search.db")

    with chatkeep.open(stages[2]) as keep:
        keep.check(repair=True)
    _assert_right(stages[2], 3)


@pytest.mark.parametrize("spoil", [_cut, _cut_in_the_header, _empty, _text])
def test_a_spoilt_index_is_noticed_by_searching_alone(stages: list[Path], spoil: Callable[[Path], None]) -> None:
    spoil(stages[2] / "search.db")

    with chatkeep.open(stages[2]) as keep:
        assert len(keep.search("cherry", limit=1000, wait=True).hits) == 50


def test_an_index_of_another_store_is_not_believed(stages: list[Path], tmp_path: Path) -> None:
    with chatkeep.open(tmp_path / "other") as keep:
        _add(keep, "elderberry")
    _copy(tmp_path / "other", stages[2], "search.db")

    with chatkeep.open(stages[2]) as keep:
        assert keep.search("elderberry").hits == []
    _assert_right(stages[2], 3)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.06, 0.1, 0.2])
def test_a_kill_while_indexing_leaves_an_index_that_goes_on(stages: list[Path], after_s: float) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(stages[1]), str(after_s)], check=False)

    with chatkeep.open(stages[1]) as keep:
        assert len(keep.search("cherry", limit=1000, wait=True).hits) == 1_000
        assert keep.search("cherry 2999").hits
        assert keep.check().findings == ()
