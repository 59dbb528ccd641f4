"""A store of notes: the smallest schema that an engine opens, and works on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.schema import Migration

STORE_TABLE = """
CREATE TABLE store (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    store_id   TEXT NOT NULL,
    epoch      TEXT NOT NULL,
    purge_key  BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
"""
FIRST = Migration(
    number=1,
    name="first",
    sql=STORE_TABLE
    + """
    CREATE TABLE shelf (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
    CREATE TABLE note (
        id    INTEGER PRIMARY KEY AUTOINCREMENT,
        text  TEXT NOT NULL UNIQUE,
        shelf INTEGER REFERENCES shelf (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT;
    """,
)
SECOND = Migration(number=2, name="second", sql="ALTER TABLE note ADD COLUMN mood TEXT;")
NOTES = (FIRST,)
NEWER_NOTES = (FIRST, SECOND)


def open_notes(directory: Path, **options: Any) -> SqliteEngine:
    """Open the store, made on first use."""
    return SqliteEngine.open(directory, **{"migrations": NOTES, **options})


def add(text: str) -> Callable[[Transaction], int]:
    """Work that adds a note and returns its id."""

    def work(tx: Transaction) -> int:
        row = tx.row("INSERT INTO note (text) VALUES (:text) RETURNING id", {"text": text})
        assert row is not None
        return int(row[0])

    return work


def texts(tx: Transaction) -> list[str]:
    """Work that reads all notes in the order in which they were added."""
    return [str(row[0]) for row in tx.rows("SELECT text FROM note ORDER BY id")]


def count(tx: Transaction) -> int:
    """Work that counts the notes."""
    row = tx.row("SELECT count(*) FROM note")
    assert row is not None
    return int(row[0])
