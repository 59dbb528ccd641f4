"""The schema moves forward as a whole, under the turn, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatkeep.errors import StoreCorruptError, StoreError, StoreNewerError
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite.schema import Migration, known_migrations
from tests.faults.notes import FIRST, NEWER_NOTES, SECOND, add, open_notes, texts


def _migration(sql: str, *, number: int = 2, name: str = "next") -> tuple[Migration, ...]:
    return (FIRST, Migration(number=number, name=name, sql=sql))


def _version(tx: Transaction) -> object:
    row = tx.row("PRAGMA user_version")
    return row and row[0]


@pytest.fixture
def old(directory: Path) -> Path:
    """A store of the first schema, with two notes."""
    engine = open_notes(directory)
    engine.write(add("a"))
    engine.write(add("b"))
    engine.close()
    return directory


def test_the_migrations_of_this_program_are_numbered_from_one() -> None:
    numbers = [migration.number for migration in known_migrations()]

    assert numbers == list(range(1, len(numbers) + 1))
    assert known_migrations()[0].name == "foundation"


def test_an_old_store_is_brought_up_to_date(old: Path) -> None:
    engine = open_notes(old, migrations=NEWER_NOTES)

    assert engine.read(_version) == 2
    assert engine.read(lambda tx: tx.rows("SELECT text, mood FROM note")) == [("a", None), ("b", None)]
    recorded = engine.read(lambda tx: tx.rows("SELECT number, name, sha256 FROM migration ORDER BY number"))
    assert recorded == [(1, "first", FIRST.sha256), (2, "second", SECOND.sha256)]
    engine.close()


def test_migrating_keeps_the_identity_of_the_store(old: Path) -> None:
    def identity(tx: Transaction) -> object:
        return tx.row("SELECT * FROM store")

    engine = open_notes(old)
    before = engine.read(identity)
    engine.close()
    engine = open_notes(old, migrations=NEWER_NOTES)

    assert engine.read(identity) == before
    engine.close()


def test_a_newer_schema_is_refused(old: Path) -> None:
    open_notes(old, migrations=NEWER_NOTES).close()

    for read_only in (False, True):
        with pytest.raises(StoreNewerError) as caught:
            open_notes(old, read_only=read_only)
        assert (caught.value.found, caught.value.known) == (2, 1)


def test_a_migration_that_was_edited_after_it_ran_is_refused(old: Path) -> None:
    edited = Migration(number=1, name="first", sql=FIRST.sql + "-- edited")

    with pytest.raises(StoreCorruptError, match="another text of migration 1"):
        open_notes(old, migrations=(edited,))


def test_a_failing_migration_leaves_the_old_schema(old: Path) -> None:
    steps = (FIRST, SECOND, Migration(number=3, name="bad", sql="CREATE TABLE more (id); NONSENSE;"))

    with pytest.raises(StoreError, match="NONSENSE"):
        open_notes(old, migrations=steps)

    engine = open_notes(old)
    assert engine.read(_version) == 1
    assert engine.read(texts) == ["a", "b"]
    assert engine.read(lambda tx: tx.rows("SELECT 1 FROM sqlite_schema WHERE name = 'more'")) == []
    engine.close()


def test_a_migration_that_loses_rows_is_undone(old: Path) -> None:
    with pytest.raises(StoreCorruptError, match="note from 2 to 1 rows"):
        open_notes(old, migrations=_migration("DELETE FROM note WHERE text = 'a';"))

    engine = open_notes(old)
    assert engine.read(texts) == ["a", "b"]
    engine.close()


def test_a_migration_may_declare_that_rows_go(old: Path) -> None:
    sql = "-- rows may change: note, shelf\nDELETE FROM note WHERE text = 'a';"

    engine = open_notes(old, migrations=_migration(sql))

    assert engine.read(texts) == ["b"]
    engine.close()


def test_a_migration_that_breaks_references_is_undone(old: Path) -> None:
    with pytest.raises(StoreCorruptError, match="references lead nowhere"):
        open_notes(old, migrations=_migration("UPDATE note SET shelf = 7;"))

    engine = open_notes(old)
    assert engine.integrity(full=True) == []
    engine.close()


def test_a_table_can_be_rebuilt_without_losing_what_refers_to_it(old: Path) -> None:
    """Dropping the old table must not cascade."""
    engine = open_notes(old)
    engine.write(lambda tx: tx.run("INSERT INTO shelf (id, name) VALUES (1, 'top')"))
    engine.write(lambda tx: tx.run("UPDATE note SET shelf = 1"))
    engine.close()
    sql = """
    CREATE TABLE shelf_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, room TEXT) STRICT;
    INSERT INTO shelf_new SELECT id, name, NULL FROM shelf;
    DROP TABLE shelf;
    ALTER TABLE shelf_new RENAME TO shelf;
    """

    engine = open_notes(old, migrations=_migration(sql))

    assert engine.read(lambda tx: tx.rows("SELECT name, room FROM note JOIN shelf ON shelf.id = shelf")) == [
        ("top", None),
        ("top", None),
    ]
    assert engine.integrity(full=True) == []
    engine.close()


def test_the_hook_runs_before_an_existing_store_changes_and_can_read_it(old: Path) -> None:
    seen: list[object] = []

    def hook(found: int, wanted: int) -> None:
        reading = open_notes(old, read_only=True)
        seen.append((found, wanted, reading.read(texts)))
        reading.close()

    open_notes(old, migrations=NEWER_NOTES, before_migration=hook).close()

    assert seen == [(1, 2, ["a", "b"])]


def test_the_hook_does_not_run_for_a_new_store_or_an_up_to_date_one(directory: Path) -> None:
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        open_notes(directory, before_migration=lambda *versions: seen.append(versions)).close()

    assert seen == []


def test_a_hook_that_fails_stops_the_migration(old: Path) -> None:
    def hook(_found: int, _wanted: int) -> None:
        raise OSError("no snapshot, no migration")

    with pytest.raises(OSError, match="no snapshot"):
        open_notes(old, migrations=NEWER_NOTES, before_migration=hook)

    engine = open_notes(old)
    assert engine.read(_version) == 1
    engine.close()
