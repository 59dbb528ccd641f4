"""A `chats.db` with one spoilt cell: nothing crashes, other chats are unharmed, nothing vanishes unreported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatkeep.formats.adapters import chorus_app
from chatkeep.formats.protocol import Record, SourceConversation
from chatkeep.formats.sources import open_source
from tests.golden.chorus_app import today
from tests.golden.chorus_app.eras import ERAS

MARK = "mark-5f1c"
WRONG: tuple[Any, ...] = (
    None,
    "",
    "x",
    "nul \0 inside",
    "2024-02-30 25:61:00",
    b"\xff\xfe not text",
    -1,
    0,
    2**63 - 1,
    -(2**63),
    1e308,
    float("inf"),
    "[" * 5000,
    '{"id": []}',
    '[1, null, "a", {}, [], {"id": 7, "args": [[]], "content": {"a": 1}}]',
    "9" * 5000,
)
TABLES = (
    "chats",
    "message_sets",
    "messages",
    "message_parts",
    "attachments",
    "message_attachments",
    "draft_attachments",
    "message_drafts",
    "projects",
    "model_configs",
    "saved_model_configs_chats",
    "gc_prototype_messages",
    "gc_prototype_conductors",
)


class Cell(NamedTuple):
    """One value of one row."""

    table: str
    rowid: int
    column: str


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Databases by name, as the bytes of their one file."""
    found = {}
    for name, build in {"today": _today, **ERAS}.items():
        path = tmp_path_factory.mktemp(name) / "chats.db"
        build(path)
        found[name] = path.read_bytes()
    return found


def _today(path: Path) -> None:
    today.build(path.parent)


def _cells(connection: apsw.Connection) -> list[Cell]:
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return [
        Cell(table, rowid, column)
        for table in TABLES
        if table in there
        for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")
        for (rowid,) in connection.execute(f"SELECT rowid FROM {table}")
    ]


def _spoil(connection: apsw.Connection, cell: Cell, value: Any) -> bool:
    """Put a value into a cell; False where a key or NOT NULL forbids it."""
    connection.execute("PRAGMA ignore_check_constraints = ON; PRAGMA journal_mode = DELETE")
    try:
        connection.execute(f"UPDATE {cell.table} SET {cell.column} = ? WHERE rowid = ?", (value, cell.rowid))
    except apsw.ConstraintError:
        return False
    return True


def _read(path: Path) -> Iterator[SourceConversation]:
    with open_source(path) as source:
        for item in chorus_app.read(source):
            if isinstance(item, Record):
                try:
                    found = item.load()
                except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
                    continue
                assert isinstance(found, SourceConversation)
                yield found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_spoilt_cell_crashes_or_harms_another_chat(
    data: st.DataObject, instances: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "chats.db"
    name = data.draw(st.sampled_from(sorted(instances)))
    path.write_bytes(instances[name])
    before = {found.source_id: len(found.messages) for found in _read(path)}
    connection = apsw.Connection(str(path))
    cell = data.draw(st.sampled_from(_cells(connection)))
    _spoil(connection, cell, data.draw(st.sampled_from(WRONG)))
    connection.close()

    after = {found.source_id: len(found.messages) for found in _read(path)}

    # A chat may lose its id, or messages that now name another chat; the others are as they were.
    assert sum(after.get(id) != count for id, count in before.items()) <= 2


@pytest.mark.parametrize("table", ["chats", "messages", "message_parts", "attachments", "gc_prototype_messages"])
def test_what_was_put_into_any_cell_is_kept_or_reported(
    table: str, instances: dict[str, bytes], tmp_path: Path
) -> None:
    """Nothing is dropped silently: not even a value of a kind that has never been seen in its place."""
    path = tmp_path / "chats.db"
    path.write_bytes(instances["today"])
    connection = apsw.Connection(str(path))
    cells = [cell for cell in _cells(connection) if cell.table == table and not _is_silent(connection, cell)]
    vanished = []
    for cell in cells:
        [(kept,)] = connection.execute(f"SELECT {cell.column} FROM {cell.table} WHERE rowid = ?", (cell.rowid,))
        if _spoil(connection, cell, MARK):
            found = list(_read(path))
            if MARK not in repr(found) and not _reports(found, cell):
                vanished.append(cell)
            _spoil(connection, cell, kept)
    connection.close()

    assert vanished == []


def _reports(found: list[SourceConversation], cell: Cell) -> bool:
    problems = [problem for conversation in found for problem in conversation.problems]
    return any(cell.column in problem.where or cell.table in problem.where for problem in problems)


def _is_silent(connection: apsw.Connection, cell: Cell) -> bool:
    """Columns whose value decides what belongs together; rows that belong to nobody are counted, not read."""
    if cell.column in {"chat_id", "message_id", "rowid"}:
        return True
    if cell.table == "attachments":
        [(id,)] = connection.execute("SELECT id FROM attachments WHERE rowid = ?", (cell.rowid,))
        return cell.column == "id" or id in {"att-project", "att-orphan"}
    if cell.table == "gc_prototype_messages":
        # What is marked as deleted is left out, and counted.
        [(deleted,)] = connection.execute("SELECT is_deleted FROM gc_prototype_messages WHERE rowid = ?", (cell.rowid,))
        return bool(deleted)
    if cell.table == "chats":
        [(id,)] = connection.execute("SELECT id FROM chats WHERE rowid = ?", (cell.rowid,))
        return bool(id == "ready")
    if cell.table == "messages":
        # One of each kind: each cell costs a reading of the whole database.
        [(id,)] = connection.execute("SELECT id FROM messages WHERE rowid = ?", (cell.rowid,))
        return id not in {"u1", "a0", "a1", "a3", "a4", "ia2"}
    if cell.table == "message_parts":
        [(id,)] = connection.execute("SELECT message_id FROM message_parts WHERE rowid = ?", (cell.rowid,))
        return bool(id == "deleted-message")
    return False
