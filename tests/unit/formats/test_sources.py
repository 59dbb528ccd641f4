"""Files, folders and databases as sources."""

from __future__ import annotations

import os
import stat
import tempfile
import zipfile
from pathlib import Path

import apsw
import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Skipped
from chatkeep.formats.sources import databases, files, open_source, probe


def database(path: Path) -> apsw.Connection:
    """A database in WAL mode with one row that lies in the WAL only; closing it would move the row."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = wal; CREATE TABLE chats (id, title)").fetchall()
    connection.execute("INSERT INTO chats VALUES (1, CAST(x'61ff' AS TEXT))").fetchall()
    return connection


def private_copies() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("chatkeep-source-*"))


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("tmp")))


def test_a_file_is_its_own_only_member(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")

    with open_source(path) as source:
        assert [(member.name, member.size_bytes) for member in source.members()] == [("x.json", 6)]
        assert source.member("y.json") is None
    assert (probe(path).kind, probe(path).head) == ("file", b"[1]")


def test_the_head_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"x" * 1_000_000)

    assert probe(path).head == b"x" * 65_536


@pytest.mark.parametrize("name", ["missing", "pipe", "loop"])
def test_what_is_no_file_or_folder_is_refused(tmp_path: Path, name: str) -> None:
    """A named pipe would block for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(UnreadableSourceError, match=name):
        open_source(tmp_path / name)


def test_a_folder_gives_its_regular_files_and_reports_the_rest(tmp_path: Path) -> None:
    root = tmp_path / "export"
    (root / "b").mkdir(parents=True)
    (root / "b/x.json").write_text("[]")
    (root / "a.json").write_text("{}")
    os.mkfifo(root / "pipe")
    (root / "out").symlink_to("/etc/hostname")
    (root / "up").symlink_to("..")
    (root / "in.json").symlink_to("b/x.json")
    (root / "gone").symlink_to("nowhere")

    with open_source(root) as source:
        assert [member.name for member in source.members()] == ["a.json", "b/x.json", "in.json"]
        assert {skipped.where for skipped in source.skipped} == {"gone", "out", "pipe", "up"}
        assert Skipped("pipe", "not a regular file") in source.skipped


def test_a_file_that_became_a_link_after_listing_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "export"
    root.mkdir()
    (root / "a.json").write_text("{}")

    with open_source(root) as source:
        (root / "a.json").unlink()
        (root / "a.json").symlink_to("/etc/hostname")
        with pytest.raises(UnreadableSourceError, match=r"a\.json"):
            source.members()[0].open()


def test_names_that_are_no_text_are_shown_all_the_same(tmp_path: Path) -> None:
    root = tmp_path / "export"
    root.mkdir()
    Path(os.fsdecode(bytes(root) + b"/\xff.json")).write_text("[1]")

    with open_source(root) as source:
        (member,) = source.members()
        assert member.name == "\ufffd.json"
        with member.open() as stream:
            assert stream.read() == b"[1]"


def test_a_database_is_read_with_what_lies_in_its_wal(tmp_path: Path) -> None:
    writer = database(tmp_path / "chats.db")
    before = {file.name: (file.stat().st_size, file.stat().st_mtime_ns) for file in tmp_path.iterdir()}

    with open_source(tmp_path / "chats.db") as source:
        rows = source.database().execute("SELECT id, CAST(title AS BLOB) FROM chats").fetchall()
        (copies,) = private_copies()
        assert stat.S_IMODE(copies.stat().st_mode) == 0o700

    assert rows == [(1, b"a\xff")]
    assert private_copies() == []
    assert {file.name: (file.stat().st_size, file.stat().st_mtime_ns) for file in tmp_path.iterdir()} == before
    writer.close()


def test_a_probe_names_ordinary_tables_only(tmp_path: Path) -> None:
    """A view of a table's name would run whatever its author wrote."""
    writer = database(tmp_path / "chats.db")
    writer.execute("CREATE VIEW messages AS SELECT 1; CREATE VIRTUAL TABLE texts USING fts5(a)").fetchall()

    found = probe(tmp_path / "chats.db")

    assert found.kind == "sqlite"
    assert "chats" in found.tables
    assert not found.tables & {"messages", "texts"}
    writer.close()


def test_a_database_cannot_be_written_to(tmp_path: Path) -> None:
    writer = database(tmp_path / "chats.db")

    with open_source(tmp_path / "chats.db") as source, pytest.raises(apsw.ReadOnlyError):
        source.database().execute("DELETE FROM chats").fetchall()
    writer.close()


def test_a_rolled_back_change_is_not_read(tmp_path: Path) -> None:
    """A killed program leaves half of a change in the file, and in the journal what undoes it."""
    path = tmp_path / "chats.db"
    writer = apsw.Connection(str(path))
    writer.execute("CREATE TABLE chats (id); INSERT INTO chats VALUES (1); PRAGMA cache_size = 1").fetchall()
    writer.execute("BEGIN IMMEDIATE; UPDATE chats SET id = 2").fetchall()
    writer.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
        " INSERT INTO chats SELECT randomblob(4000) FROM n"
    ).fetchall()
    killed = tmp_path / "killed"
    killed.mkdir()
    for file in (path, Path(f"{path}-journal")):
        (killed / file.name).write_bytes(file.read_bytes())
    writer.close()
    assert (killed / "chats.db-journal").stat().st_size > 0

    with open_source(killed / "chats.db") as source:
        assert source.database().execute("SELECT id FROM chats").fetchall() == [(1,)]
    assert (killed / "chats.db-journal").exists()


def test_a_journal_that_names_another_file_is_refused(tmp_path: Path) -> None:
    """SQLite would delete that file after rolling back."""
    database(tmp_path / "x.db").close()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "x.db-journal").write_bytes(str(victim).encode() + bytes.fromhex("d9d505f920a163d7"))

    with open_source(tmp_path / "x.db") as source, pytest.raises(UnreadableSourceError, match="several databases"):
        source.database()
    assert victim.read_text() == "precious"


def test_a_database_in_a_folder_or_zip_is_opened_by_its_name(tmp_path: Path) -> None:
    root = tmp_path / "app"
    root.mkdir()
    writer = database(root / "chats.db")
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("chats.db", "chats.db-wal"):
            packed.write(root / name, f"app/{name}")

    for path, name in ((root, "chats.db"), (archive, "app/chats.db")):
        with open_source(path) as source:
            connection = source.database(name)
            assert connection.execute("SELECT id FROM chats").fetchall() == [(1,)]
            assert source.database(name) is connection
            with pytest.raises(UnreadableSourceError, match="holds no database"):
                source.database()
            with pytest.raises(UnreadableSourceError, match=r"nothing\.db"):
                source.database("nothing.db")
    writer.close()


@pytest.mark.parametrize("damage", [b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_damaged_database_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "x.db").write_bytes(damage)

    with pytest.raises(UnreadableSourceError, match=r"x\.db"):
        probe(tmp_path / "x.db")
    assert private_copies() == []


def test_a_database_that_changes_while_it_is_copied_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = database(tmp_path / "chats.db")
    original = files.open_regular
    opened: list[Path] = []

    def busy(path: Path) -> object:
        opened.append(path)
        if len(opened) == 1:
            writer.execute("INSERT INTO chats VALUES (2, 'late')").fetchall()
        return original(path)

    monkeypatch.setattr(databases, "open_regular", busy)
    monkeypatch.setattr(databases, "_PAUSE_S", 0)

    with open_source(tmp_path / "chats.db") as source:
        assert source.database().execute("SELECT count(*) FROM chats").fetchall() == [(2,)]
    assert len(opened) == 4
    writer.close()


def test_a_database_that_never_rests_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = database(tmp_path / "chats.db")
    original = files.open_regular

    def busy(path: Path) -> object:
        writer.execute("INSERT INTO chats VALUES (2, 'late')").fetchall()
        return original(path)

    monkeypatch.setattr(databases, "open_regular", busy)
    monkeypatch.setattr(databases, "_PAUSE_S", 0)

    with open_source(tmp_path / "chats.db") as source, pytest.raises(UnreadableSourceError, match="keeps writing"):
        source.database()
    writer.close()
