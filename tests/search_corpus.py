"""Stores with messages for the tests of search, written row by row so that times and numbers are the test's choice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from chatkeep.model import Message, Part, Role, Text, from_us, to_us
from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine

START_US = to_us(datetime(2024, 1, 1, tzinfo=UTC))
OWNER = "local"


class Said(NamedTuple):
    """A message to write. ``pk`` 0 lets SQLite number it."""

    text: str
    at_us: int = START_US
    pk: int = 0
    role: Role = "user"
    conversation: str = "c"
    owner: str = OWNER
    model: str | None = None
    hidden: bool = False
    parts: tuple[Part, ...] = ()
    status: str = "complete"


def open_engine(directory: Path) -> SqliteEngine:
    """The store in a directory, made if there is none."""
    return SqliteEngine.open(directory, durability="process")


def say(engine: SqliteEngine, *texts: str) -> list[int]:
    """Write messages, a second apart; their numbers."""
    return write(engine, [Said(text, START_US + n * 1_000_000) for n, text in enumerate(texts)])


def write(engine: SqliteEngine, messages: Iterable[Said]) -> list[int]:
    """Write messages and their changes in one transaction; their numbers."""
    return engine.write(lambda tx: [_insert(tx, said) for said in messages])


def title(engine: SqliteEngine, id: str, text: str | None, *, owner: str = OWNER, at_us: int = START_US) -> int:
    """Give a conversation a title, making it if there is none; its number."""
    return engine.write(lambda tx: _conversation(tx, owner, id, text, at_us, is_titled=True))


def rewrite(engine: SqliteEngine, pk: int, text: str) -> None:
    """Give a message another text."""

    def work(tx: Transaction) -> None:
        body = msgspec.json.encode({"role": "user", "parts": [{"type": "text", "text": text}]}).decode()
        tx.run("UPDATE message SET body = :body, status = 'complete' WHERE pk = :pk", {"body": body, "pk": pk})
        _change(tx, OWNER, "message", "put", pk)

    engine.write(work)


def delete(engine: SqliteEngine, *pks: int) -> None:
    """Delete messages."""

    def work(tx: Transaction) -> None:
        for pk in pks:
            tx.run("DELETE FROM message WHERE pk = :pk", {"pk": pk})
            _change(tx, OWNER, "message", "delete", pk)

    engine.write(work)


def run(engine: SqliteEngine, sql: str) -> None:
    """Run a statement on the store, without a change row."""
    engine.write(lambda tx: tx.run(sql))


def _insert(tx: Transaction, said: Said) -> int:
    conversation = _conversation(tx, said.owner, said.conversation, None, said.at_us, is_titled=False)
    count = tx.row("SELECT coalesce(max(seq), 0) + 1 FROM message WHERE conversation_pk = :pk", {"pk": conversation})
    last = tx.row("SELECT coalesce(max(pk), 0) + 1 FROM message")
    assert count is not None
    assert last is not None
    pk = said.pk or last[0]
    message = Message(
        id=f"m{pk}",
        conversation_id=said.conversation,
        role=said.role,
        parts=said.parts or (Text(text=said.text),),
        created_at=from_us(said.at_us),
        model=said.model,
        hidden=said.hidden,
    )
    tx.run(
        "INSERT INTO message (pk, owner, conversation_pk, seq, id, role, model, hidden, status, created_at, body)"
        " VALUES (:pk, :owner, :conversation, :seq, :id, :role, :model, :hidden, :status, :at, :body)",
        {
            "pk": pk,
            "owner": said.owner,
            "conversation": conversation,
            "seq": count[0],
            "id": f"m{pk}",
            "role": said.role,
            "model": said.model,
            "hidden": int(said.hidden),
            "status": said.status,
            "at": said.at_us,
            "body": msgspec.json.encode(message).decode(),
        },
    )
    _change(tx, said.owner, "message", "put", pk)
    return pk


def _conversation(tx: Transaction, owner: str, id: str, text: str | None, at_us: int, *, is_titled: bool) -> int:
    key = {"owner": owner, "id": id}
    tx.run(
        "INSERT INTO conversation (owner, id, created_at, updated_at) VALUES (:owner, :id, :at, :at)"
        " ON CONFLICT DO NOTHING",
        key | {"at": at_us},
    )
    row = tx.row("SELECT pk FROM conversation WHERE owner = :owner AND id = :id", key)
    assert row is not None
    if is_titled:
        tx.run("UPDATE conversation SET title = :title WHERE owner = :owner AND id = :id", key | {"title": text})
        _change(tx, owner, "conversation", "put", row[0])
    return int(row[0])


def _change(tx: Transaction, owner: str, kind: str, op: str, pk: int) -> None:
    tx.run(
        "INSERT INTO change (owner, kind, op, pk, id, at) VALUES (:owner, :kind, :op, :pk, :id, 0)",
        {"owner": owner, "kind": kind, "op": op, "pk": pk, "id": f"{kind}{pk}"},
    )
