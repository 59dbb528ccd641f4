"""Filters, alone and with text."""

from __future__ import annotations

import pytest

from chatkeep.model import ToolResult
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex, live
from tests.search_corpus import OWNER, START_US, Said, run, title, write

SECOND = 1_000_000


def found(index: SearchIndex, query: str) -> set[str | None]:
    return {hit.message_id for hit in index.search(OWNER, query).hits}


FILTERED = [
    ("role:user", {"m1"}),
    ("role:user role:tool", {"m1", "m3"}),
    ("-role:user", {None, "m2", "m3"}),
    ("model:CLAUDE", {"m2"}),
    ("-model:claude", {None, "m1", "m3"}),
    ("model:unknown", set()),
    ("has:tool", {"m3"}),
    ("has:tool has:thinking", set()),
    ("-has:tool", {None, "m1", "m2"}),
    ("before:2024-01-02", {None, "m1"}),
    ("after:2024-01-02", {"m2", "m3"}),
    ("after:2024-01-02 before:2024-01-03", {"m2"}),
    ("in:title", {None}),
    ("in:text", {"m1", "m2", "m3"}),
    ("-needle", set()),
    ("-other", {None, "m1", "m2", "m3"}),
    ("role:user -needle", set()),
]


@pytest.mark.parametrize("with_text", [True, False])
@pytest.mark.parametrize(("filter", "expected"), FILTERED)
def test_filters_with_and_without_text(
    engine: SqliteEngine, index: SearchIndex, filter: str, expected: set[str | None], with_text: bool
) -> None:
    day = 86_400 * SECOND
    title(engine, "c", "needle")
    write(
        engine,
        [
            Said("needle"),
            Said("needle", START_US + day, role="assistant", model="claude-3"),
            Said("", START_US + 2 * day, role="tool", parts=(ToolResult(call_id="x", output="needle"),)),
        ],
    )

    assert found(index, f"needle {filter}" if with_text else filter) == expected


@pytest.mark.parametrize("most", [20_000, 1])
def test_filters_on_conversations(
    engine: SqliteEngine, index: SearchIndex, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Few conversations are handed to the index, many are looked at hit by hit."""
    monkeypatch.setattr(live, "MAX_CONVERSATIONS", most)
    write(engine, [Said("needle", conversation=f"c{n}") for n in range(1, 5)])
    run(
        engine,
        "INSERT INTO project (pk, owner, id, name, name_key, created_at, updated_at, body) VALUES"
        " (1, 'local', 'p1', 'Café', 'café', 0, 0, '{}')",
    )
    run(
        engine,
        "INSERT INTO project (pk, owner, id, name, name_key, parent_pk, created_at, updated_at, body) VALUES"
        " (2, 'local', 'p2', 'Inner', 'inner', 1, 0, 0, '{}')",
    )
    run(engine, "UPDATE conversation SET project_pk = pk WHERE pk < 3")
    run(engine, "UPDATE conversation SET source_format = 'chatgpt' WHERE pk > 2")
    run(
        engine,
        "INSERT INTO tag (pk, owner, id, name, name_key, created_at) VALUES (1, 'local', 't1', 'Work', 'work', 0)",
    )
    run(engine, "INSERT INTO conversation_tag SELECT 'local', 1, pk FROM conversation WHERE pk IN (1, 3)")

    for filter, expected in [
        ("project:cafe", {"m1", "m2"}),
        ("project:p2", {"m2"}),
        ("-project:cafe", {"m3", "m4"}),
        ("tag:WORK", {"m1", "m3"}),
        ("-tag:work", {"m2", "m4"}),
        ("tag:nope", set()),
        ("source:ChatGPT", {"m3", "m4"}),
        ("-source:chatgpt", {"m1", "m2"}),
        ("tag:work source:chatgpt", {"m3"}),
    ]:
        assert found(index, f"needle {filter}") == expected, filter
        assert found(index, filter) == expected, filter
    (hit,) = index.search(OWNER, "project:inner").hits
    assert hit.project_id == "p2"
