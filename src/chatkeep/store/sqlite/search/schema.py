"""The layout of ``search.db``. All of it is derived from ``chats.db``: another layout is not migrated but made anew."""

from __future__ import annotations

import apsw

from chatkeep.store.search import tokens
from chatkeep.store.sqlite.search.merging import NO_CRISIS

APPLICATION_ID = 0x434B5358
"""Marks the file as ours."""

LAYOUT = 1
"""Grows with every change of the tables below."""

BLOCK_BITS = 12
"""A block is 4,096 numbers of documents."""

BULK_BYTES = 24 << 20
"""Text that one transaction takes while building; FTS5 may hold as much before it writes a segment."""

# Documents are numbered: a message by its pk, the title of a conversation by its pk below zero.
_TABLES = """
CREATE TABLE state (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    rules     TEXT NOT NULL,      -- by which the words were made
    epoch     TEXT NOT NULL,      -- the last change that the rows below show
    seq       INTEGER NOT NULL,
    nonce     INTEGER NOT NULL,
    phase     TEXT NOT NULL,      -- titles, messages: being built; live
    next_pk   INTEGER NOT NULL,   -- where building goes on
    deleted   INTEGER NOT NULL    -- whether words of deleted documents may still be in the file
) STRICT;
CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE doc (
    pk              INTEGER PRIMARY KEY,
    conversation_pk INTEGER NOT NULL,
    owner           INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    role            INTEGER NOT NULL,  -- place in chatkeep.model.ROLES; -1 for a title
    model           INTEGER NOT NULL,  -- 0 for none
    flags           INTEGER NOT NULL,
    digest          INTEGER NOT NULL   -- CRC-32 of the prepared text
) STRICT;
-- The oldest and newest document of each 4,096 numbers, or older and newer still: deleting does not narrow it.
CREATE TABLE block (n INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, newest INTEGER NOT NULL) STRICT;
CREATE VIRTUAL TABLE fts USING fts5(text, content='', contentless_delete=1, tokenize='ascii');
"""


def rules() -> str:
    """What the words of an index depend on: our rules, and the Unicode tables of this Python."""
    return f"{tokens.RULES}/{tokens.UNICODE}"


def create(connection: apsw.Connection) -> None:
    """Lay out an empty file, in one transaction."""
    connection.execute("PRAGMA journal_mode = WAL")
    with connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute(_TABLES)
        connection.execute("INSERT INTO fts (fts, rank) VALUES ('hashsize', ?)", (2 * BULK_BYTES,))
        connection.execute("INSERT INTO fts (fts, rank) VALUES ('automerge', 0)")
        connection.execute("INSERT INTO fts (fts, rank) VALUES ('crisismerge', ?)", (NO_CRISIS,))
        connection.execute(
            "INSERT INTO state (one, rules, epoch, seq, nonce, phase, next_pk, deleted)"
            " VALUES (1, ?, '', -1, 0, 'titles', 0, 0)",
            (rules(),),
        )


def is_ours(connection: apsw.Connection) -> bool:
    """Whether the file has this layout and words that this Python can go on with."""
    if connection.pragma("application_id") != APPLICATION_ID or connection.pragma("user_version") != LAYOUT:
        return False
    tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables >= {"state", "owner", "model", "doc", "block", "fts"}:
        return False
    row = connection.execute("SELECT rules FROM state").fetchone()
    return row is not None and _can_go_on(str(row[0]))


def _can_go_on(made_by: str) -> bool:
    made_rules, _, made_unicode = made_by.partition("/")
    # Tables of a newer Unicode only know more characters: an older Python leaves such an index as it is, otherwise two
    # programs of one store would rebuild it in turns.
    return made_rules == str(tokens.RULES) and _numbers(made_unicode) >= _numbers(tokens.UNICODE)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
