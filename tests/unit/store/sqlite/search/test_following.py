"""The index follows the store's change log, and starts over by itself when it cannot."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from chatkeep.errors import StoreReadOnlyError
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex, builder, schema
from tests.search_corpus import OWNER, START_US, Said, delete, open_engine, rewrite, run, say, title, write


def count(index: SearchIndex, query: str = "needle") -> int:
    return len(index.search(OWNER, query, limit=1_000).hits)


def edit(engine: SqliteEngine, sql: str) -> None:
    """Change the index behind its back."""
    connection = apsw.Connection(str(engine.directory / "search.db"))
    connection.execute(sql)
    connection.close()


def mark(engine: SqliteEngine) -> None:
    """Leave something in the index that only making it anew removes."""
    edit(engine, "INSERT INTO owner (name) VALUES ('marker')")


def is_marked(engine: SqliteEngine) -> bool:
    connection = apsw.Connection(str(engine.directory / "search.db"))
    row = connection.execute("SELECT count(*) FROM owner WHERE name = 'marker'").fetchone()
    connection.close()
    return row == (1,)


def test_a_first_index_reads_what_the_log_does_not_name(engine: SqliteEngine, index: SearchIndex) -> None:
    """The log is pruned, so an index that is made late must read the rows."""
    say(engine, "needle", "needle")
    title(engine, "c", "needle")
    run(engine, "DELETE FROM change")

    assert count(index) == 3
    assert index.check() == []


@pytest.mark.parametrize(
    "loss",
    [
        "UPDATE store SET epoch = 'another'",
        "UPDATE change SET nonce = nonce + 1",
        "DELETE FROM change",
        "DELETE FROM change WHERE seq = 2",
    ],
)
def test_a_store_that_was_restored_is_read_anew(engine: SqliteEngine, index: SearchIndex, loss: str) -> None:
    say(engine, "needle", "gone")
    assert count(index, "gone") == 1
    mark(engine)

    # What changed by the restoring is in no log.
    run(engine, "DELETE FROM message WHERE pk = 2")
    run(engine, loss)
    if "DELETE FROM change" in loss:
        say(engine, "needle")

    assert count(index, "needle") == (2 if "DELETE FROM change" in loss else 1)
    assert not is_marked(engine)
    assert index.check() == []


def test_a_log_pruned_to_its_end_is_no_loss(engine: SqliteEngine, index: SearchIndex) -> None:
    """A store that nobody wrote to for a month must not be indexed anew at every opening."""
    say(engine, "needle")
    assert count(index) == 1
    mark(engine)
    run(engine, "DELETE FROM change")

    assert count(index) == 1
    assert is_marked(engine)


def test_an_index_of_an_empty_store_goes_on_from_the_first_change(engine: SqliteEngine, index: SearchIndex) -> None:
    assert count(index) == 0
    mark(engine)
    say(engine, "needle")

    assert count(index) == 1
    assert is_marked(engine)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE state SET rules = '0/1.0'",
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 1",
        "DROP TABLE doc",
        "DELETE FROM state",
    ],
)
def test_an_index_of_another_layout_is_made_anew(engine: SqliteEngine, change: str) -> None:
    say(engine, "needle")
    with SearchIndex(engine, engine.directory) as index:
        assert count(index) == 1
    edit(engine, change)

    with SearchIndex(engine, engine.directory) as index:
        assert count(index) == 1
        assert index.check() == []


def test_an_index_made_with_newer_unicode_tables_is_kept(engine: SqliteEngine) -> None:
    """Two Pythons over one store would otherwise rebuild it in turns."""
    say(engine, "needle")
    with SearchIndex(engine, engine.directory) as index:
        assert count(index) == 1
    edit(engine, f"UPDATE state SET rules = '{schema.rules().split('/')[0]}/99.0'")
    mark(engine)

    with SearchIndex(engine, engine.directory) as index:
        assert count(index) == 1
    assert is_marked(engine)


def test_rebuilding_in_parts_goes_on_where_it_stopped_while_writes_go_on(
    engine: SqliteEngine, index: SearchIndex
) -> None:
    write(engine, [Said(f"needle n{n}", START_US + n) for n in range(3_000)])
    left = index.catch_up(10)
    assert 0 < left <= 3_000
    rewrite(engine, 1, "other")
    delete(engine, 2_999)
    say(engine, "needle late")

    while index.catch_up(700):
        pass

    assert count(index, "n5") == 1
    assert count(index, "late") == 1
    assert count(index, "n0 OR n2998") == 0
    assert index.check() == []


def test_large_messages_come_in_several_pages(
    engine: SqliteEngine, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatkeep.store.sqlite.search.batch.PAGE_BYTES", 1_000)
    say(engine, *["needle " * 100] * 7)

    assert count(index) == 7
    for pk in range(1, 8):
        rewrite(engine, pk, "thread " * 200)
    assert count(index, "thread") == 7
    assert index.check() == []


def test_many_documents_are_written_in_several_transactions(
    engine: SqliteEngine, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "BULK_BYTES", 2_000)
    monkeypatch.setattr(builder, "_BULK_FROM", 10)
    write(engine, [Said(f"needle n{n}", START_US + n) for n in range(2_500)])
    assert index.catch_up(None) == 0

    write(engine, [Said("needle", START_US + n) for n in range(2_500)])
    assert index.catch_up(None) == 0

    assert count(index, "n2499") == 1
    assert index.check() == []


def test_checking_names_what_does_not_fit(engine: SqliteEngine) -> None:
    say(engine, "one", "two", "three")
    title(engine, "c", "four")
    with SearchIndex(engine, engine.directory) as index:
        assert index.check() == []
    edit(engine, "UPDATE doc SET digest = digest + 1 WHERE pk = 1")
    edit(engine, "DELETE FROM doc WHERE pk = 2; DELETE FROM fts WHERE rowid = 2")
    edit(engine, "INSERT INTO doc SELECT 77, 1, 1, 0, 0, 0, 0, 0; INSERT INTO fts (rowid, text) VALUES (77, 'ghost')")
    edit(engine, "DELETE FROM fts WHERE rowid = -1; INSERT INTO fts (rowid, text) VALUES (-1, 'other words')")

    with SearchIndex(engine, engine.directory) as index:
        lines = index.check()
        assert [line.split(":")[0] for line in lines] == [
            "title of conversation 1",
            "message 1",
            "message 2",
            "message 77",
        ]
        index.rebuild()
        assert index.check() == []


def test_checking_sees_a_document_without_words_in_the_index(engine: SqliteEngine) -> None:
    say(engine, "one", "two")
    with SearchIndex(engine, engine.directory) as index:
        assert count(index, "two") == 1
    edit(engine, "DELETE FROM fts WHERE rowid = 2")

    with SearchIndex(engine, engine.directory) as index:
        assert index.check() == ["2 documents are listed, 1 are in the full-text index, 1 in both"]


def listing(directory: Path) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in directory.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("state", ["current", "behind", "missing", "foreign"])
def test_a_store_that_is_only_read_is_searched_without_writing_to_it(tmp_path: Path, state: str) -> None:
    home = tmp_path / "store"
    engine = open_engine(home)
    say(engine, "needle")
    if state != "missing":
        with SearchIndex(engine, home) as index:
            index.catch_up(None)
    if state == "behind":
        say(engine, "needle")
    engine.close()
    if state == "foreign":
        (home / "search.db").write_bytes(b"something else" * 100)
    reading = SqliteEngine.open(home, read_only=True)
    before = {name: facts for name, facts in listing(home).items() if name.startswith("search")}

    with SearchIndex(reading, home, read_only=True) as index:
        result = index.search(OWNER, "needle", wait=True)

        assert len(result.hits) == (2 if state == "behind" else 1)
        assert result.behind == 0
        with pytest.raises(StoreReadOnlyError):
            index.expunge()
        assert index.check() == []
    after = {name: facts for name, facts in listing(home).items() if name in before}
    assert after == before
    reading.close()


def test_a_private_index_is_removed_on_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    engine = open_engine(tmp_path / "store")
    say(engine, "needle")

    with SearchIndex(engine, engine.directory, read_only=True) as index:
        assert count(index) == 1
        assert len(list(scratch.iterdir())) == 1

    assert list(scratch.iterdir()) == []
    assert not (engine.directory / "search.db").exists()
    engine.close()


def test_two_indexes_of_one_store_see_each_others_work(engine: SqliteEngine, index: SearchIndex) -> None:
    with SearchIndex(engine, engine.directory) as other:
        say(engine, "needle")
        assert count(other) == 1
        say(engine, "needle")
        assert count(index) == 2
        other.rebuild()
        say(engine, "needle")
        assert count(index) == 3
        assert count(other) == 3
