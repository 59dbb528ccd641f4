"""The limit of importing: the shortest program from a ChatGPT export to rows and a full-text index.

It decodes just the fields that it stores, writes everything in one transaction, and knows no error, no second import,
no branch, no attachment.
"""

from __future__ import annotations

import gc
import mmap
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

_SCHEMA = """
CREATE TABLE conversation (id INTEGER PRIMARY KEY, source TEXT, title TEXT, updated_at REAL);
CREATE TABLE message (id INTEGER PRIMARY KEY, conversation INTEGER, source TEXT, parent TEXT, role TEXT, content TEXT,
    created_at REAL);
CREATE VIRTUAL TABLE fts USING fts5(content, content='message', content_rowid='id');
INSERT INTO fts (fts, rank) VALUES ('hashsize', 67108864);
INSERT INTO fts (fts, rank) VALUES ('automerge', 0);
"""
_INDEXES = (
    "CREATE UNIQUE INDEX conversation_source ON conversation (source)",
    "CREATE INDEX message_conversation ON message (conversation, id)",
)
_BATCH = 2_000


class Author(msgspec.Struct, gc=False):
    """Who speaks."""

    role: str


class Content(msgspec.Struct, gc=False):
    """What is said."""

    parts: list[str | dict[str, Any]] = []


class Message(msgspec.Struct, gc=False):
    """One message."""

    id: str
    author: Author
    content: Content
    create_time: float | None = None


class Node(msgspec.Struct, gc=False):
    """A message in its tree."""

    message: Message | None = None
    parent: str | None = None


class Conversation(msgspec.Struct, gc=False):
    """One conversation."""

    id: str
    mapping: dict[str, Node]
    title: str | None = None
    update_time: float | None = None


def _conversations(path: Path) -> Iterator[Conversation]:
    decode = msgspec.json.Decoder(Conversation).decode
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for raw in msgspec.json.Decoder(list[msgspec.Raw]).decode(mapped):
            yield decode(raw)


def _text(parts: list[str | dict[str, Any]]) -> str:
    first = parts[0]
    return first if len(parts) == 1 and isinstance(first, str) else "\n".join(map(str, parts))


def import_file(path: Path, database: Path) -> int:
    """Import a whole file into a new database; how many messages there were."""
    gc.disable()
    connection = sqlite3.connect(database, isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -200000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {setting}")
    connection.executescript(_SCHEMA)
    connection.execute("BEGIN IMMEDIATE")
    count = 0
    rows: list[tuple[object, ...]] = []
    for number, found in enumerate(_conversations(path), start=1):
        header = (number, found.id, found.title, found.update_time)
        connection.execute("INSERT INTO conversation VALUES (?, ?, ?, ?)", header)
        for node in found.mapping.values():
            message = node.message
            if message is not None and message.content.parts:
                count += 1
                text = _text(message.content.parts)
                role = message.author.role
                rows.append((count, number, message.id, node.parent, role, text, message.create_time))
        if len(rows) > _BATCH:
            _insert(connection, rows)
    _insert(connection, rows)
    for index in _INDEXES:
        connection.execute(index)
    connection.execute("INSERT INTO fts (fts) VALUES ('rebuild')")
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return count


def _insert(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    connection.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    rows.clear()
