"""Whatever happens to the index or to who writes it, the next search is right."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatkeep.errors import SearchUnavailableError, StoreClosedError
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex, expunging
from chatkeep.store.sqlite.search import index as index_module
from chatkeep.store.sqlite.search.turn import Turn
from tests.search_corpus import OWNER, START_US, Said, delete, open_engine, rewrite, say, title, write

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and fork are POSIX's")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SqliteEngine]:
    opened = open_engine(tmp_path / "store")
    yield opened
    opened.close()


def ids(index: SearchIndex, query: str) -> set[str | None]:
    """Of all pages; the title is None."""
    found: set[str | None] = set()
    cursor = None
    while True:
        result = index.search(OWNER, query, newest=True, limit=1_000, cursor=cursor, wait=True, snippets=False)
        assert result.behind == 0
        found |= {hit.message_id for hit in result.hits}
        cursor = result.next
        if cursor is None:
            return found


@contextlib.contextmanager
def worker(directory: Path, place: str, count: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.search_worker", str(directory), place, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait(60)


def damage(directory: Path, kind: str) -> None:
    path = directory / "search.db"
    match kind:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "foreign":
            path.write_bytes(b"not a database at all" * 500)
        case "torn":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "zeroed":
            content = bytearray(path.read_bytes())
            content[4096:] = bytes(len(content) - 4096)
            path.write_bytes(content)
        case "log":
            path.with_name("search.db-wal").write_bytes(os.urandom(50_000))
        case "folder gone":
            (directory / "locks" / "search").unlink()


@pytest.mark.parametrize("kind", ["gone", "empty", "foreign", "torn", "zeroed", "log", "folder gone"])
def test_a_damaged_index_is_made_anew(engine: SqliteEngine, kind: str) -> None:
    write(engine, [Said(f"needle n{n}", START_US + n) for n in range(300)])
    with SearchIndex(engine, engine.directory) as index:
        assert len(ids(index, "needle")) == 300
    damage(engine.directory, kind)

    with SearchIndex(engine, engine.directory) as index:
        assert len(ids(index, "needle")) == 300
        assert ids(index, "n299") == {"m300"}
        assert index.check() == []


def test_any_flipped_page_is_survived(engine: SqliteEngine) -> None:
    """Damage that SQLite notices only while answering must not reach who asks as an error."""
    write(engine, [Said(f"needle n{n} " + "filler " * 30, START_US + n) for n in range(300)])
    path = engine.directory / "search.db"
    rng = random.Random(5)
    for _ in range(12):
        with SearchIndex(engine, engine.directory) as index:
            index.rebuild()
        content = bytearray(path.read_bytes())
        page = rng.randrange(len(content) // 4096) * 4096
        content[page : page + 4096] = rng.randbytes(4096)
        path.write_bytes(content)

        with SearchIndex(engine, engine.directory) as index:
            for query in ("needle", "n17", '"needle n5"', "role:user"):
                index.search(OWNER, query)
            if index.check():
                index.rebuild()
            assert index.check() == []
            assert len(ids(index, "needle")) == 300


@POSIX
@pytest.mark.parametrize("place", ["before start over", "empty", "collected", "written", "committed"])
@pytest.mark.parametrize("count", [1, 2, 6])
def test_who_indexes_may_be_killed_at_any_place(engine: SqliteEngine, place: str, count: int) -> None:
    write(engine, [Said(f"needle n{n}", START_US + n) for n in range(2_300)])
    title(engine, "c", "needle")
    with worker(engine.directory, place, count) as process:
        process.wait(60)
        if count == 1:
            assert process.returncode == -9
    rewrite(engine, 7, "thread")
    delete(engine, 8, 2_300)

    with SearchIndex(engine, engine.directory) as index:
        assert index.check() == []
        assert len(ids(index, "needle")) == 2_298  # without one message that says something else, with the title
        assert ids(index, "thread") == {"m7"}


@POSIX
def test_who_indexes_may_be_killed_at_any_time(engine: SqliteEngine) -> None:
    write(engine, [Said(f"needle n{n}", START_US + n) for n in range(500)])
    rng = random.Random(3)
    for turn in range(6):
        with worker(engine.directory, "nowhere", 0) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            # Writing takes some time, and so the process is somewhere in its work.
            for _ in range(rng.randrange(1, 40)):
                say(engine, f"needle turn{turn}")
            process.kill()

        with SearchIndex(engine, engine.directory) as index:
            assert index.check() == []
            written = engine.read(lambda tx: tx.rows("SELECT id FROM message ORDER BY pk DESC LIMIT 900"))
            assert {row[0] for row in written} <= ids(index, "needle")


def test_searches_and_writes_go_on_beside_indexing(engine: SqliteEngine) -> None:
    with SearchIndex(engine, engine.directory) as index, SearchIndex(engine, engine.directory) as other:
        done = threading.Event()

        def search(which: SearchIndex) -> int:
            most = 0
            while not done.is_set():
                found = len(which.search(OWNER, "needle", limit=1_000).hits)
                assert found >= most
                most = found
            return most

        with ThreadPoolExecutor(4) as pool:
            searching = [pool.submit(search, which) for which in (index, other, index)]
            indexing = pool.submit(lambda: [index.catch_up(None) for _ in range(20)])
            for n in range(60):
                write(engine, [Said("needle", START_US + 10 * n + k) for k in range(5)])
            indexing.result(60)
            done.set()
            for future in searching:
                future.result(60)

        assert len(ids(other, "needle")) == 300
        assert index.check() == []


def test_while_another_one_indexes_a_search_answers_with_what_there_is(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(engine, "needle")
    monkeypatch.setattr(index_module, "_SEARCH_WAIT_S", 0.01)
    with SearchIndex(engine, engine.directory) as index:
        index.catch_up(None)
        say(engine, "needle", "needle")
        with Turn(engine.directory / "locks").taken(1) as mine:
            assert mine
            result = index.search(OWNER, "needle")

            assert len(result.hits) == 1
            assert result.behind == 2
        assert len(ids(index, "needle")) == 3


def test_while_another_one_makes_the_first_index_a_search_says_so(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_SEARCH_WAIT_S", 0.01)
    with SearchIndex(engine, engine.directory) as index, Turn(engine.directory / "locks").taken(1) as mine:
        assert mine

        with pytest.raises(SearchUnavailableError, match="another process"):
            index.search(OWNER, "needle")


@POSIX
def test_a_forked_child_is_refused_and_keeps_no_lock(engine: SqliteEngine) -> None:
    say(engine, "needle")
    with SearchIndex(engine, engine.directory) as index:
        index.catch_up(None)
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                index.search(OWNER, "needle")
                os.write(write_end, b"answered")
            except StoreClosedError:
                os.write(write_end, b"refused")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert os.read(read_end, 100) == b"refused"
        os.close(read_end)
        os.close(write_end)
        say(engine, "needle")

        assert len(ids(index, "needle")) == 2


def bytes_of(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.glob("search.db*")))


@pytest.mark.parametrize("size", [1, 3_000])
def test_expunged_words_are_in_no_byte_of_the_index(engine: SqliteEngine, size: int) -> None:
    """FTS5 keeps deleted words until it merges, SQLite in freed pages and in its log."""
    say(engine, *[f"common filler word{n}" for n in range(size)])
    (secret,) = say(engine, "the zanzibarsecret must go")
    (edited,) = say(engine, "the mombasasecret too")
    title(engine, "c", "Trip to daressalaamsecret")
    say(engine, *[f"more filler word{n}" for n in range(size)])
    index = SearchIndex(engine, engine.directory)
    index.catch_up(None)
    for n in range(5):
        say(engine, f"zanzibarsecrets {n}")
        index.catch_up(None)
    delete(engine, secret)
    rewrite(engine, edited, "nothing")
    title(engine, "c", "A trip")
    index.catch_up(None)
    index.close()
    # In a small index the usual merges have removed them already; in a larger one this shows that it takes more.
    assert size == 1 or b"mombasa" in bytes_of(engine.directory)

    delete(
        engine,
        *(row[0] for row in engine.read(lambda tx: tx.rows("SELECT pk FROM message WHERE body LIKE '%zanzibar%'"))),
    )
    with SearchIndex(engine, engine.directory) as index:
        index.expunge()
    left = bytes_of(engine.directory)

    for piece in (b"zanzibar", b"mombasa", b"daressalaam", b"secret"):
        assert piece not in left
    with SearchIndex(engine, engine.directory) as index:
        assert index.check() == []
        assert len(ids(index, "filler")) == 2 * size


def test_expunging_twice_or_without_deletions_changes_nothing(engine: SqliteEngine) -> None:
    say(engine, "needle")
    with SearchIndex(engine, engine.directory) as index:
        index.expunge()
        index.expunge()

        assert ids(index, "needle") == {"m1"}
        assert index.sizes()["search.db-wal"] == 0


def test_a_reader_of_an_old_state_is_named_when_expunging_must_give_up(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expunging, "_WAL_WAIT_S", 0.0)
    (pk,) = say(engine, "zanzibarsecret")
    with SearchIndex(engine, engine.directory) as index, SearchIndex(engine, engine.directory) as other:
        index.catch_up(None)
        with other._file.reading() as reading:
            reading.connection.execute("SELECT count(*) FROM doc").fetchall()
            delete(engine, pk)

            with pytest.raises(SearchUnavailableError, match="purge again"):
                index.expunge()
        index.expunge()
    assert b"zanzibar" not in bytes_of(engine.directory)
