"""Claude Code sessions that repeat one another, imported one by one: nothing twice, in whatever order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from chatkeep.blobs import DirectoryBlobs
from chatkeep.services.importing import import_source
from chatkeep.store import Store
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex

Open = Callable[[str], Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Stores by name, each empty at first."""
    kept: list[SqliteEngine | SearchIndex] = []

    def make(name: str) -> Store:
        engine = SqliteEngine.open(tmp_path / name)
        index = SearchIndex(engine, tmp_path / name)
        kept.extend((index, engine))
        return Store(engine, DirectoryBlobs(tmp_path / name / "blobs"), index, "local")

    yield make
    for item in kept:
        item.close()


def line(number: int, parent: int | None, session: str, text: str) -> dict[str, Any]:
    role = "assistant" if number % 2 == 0 else "user"
    message: dict[str, Any] = {"role": role, "content": [{"type": "text", "text": text}]}
    if role == "assistant":
        message |= {"id": f"msg_{number}", "model": "m", "usage": {"input_tokens": 10, "output_tokens": number}}
    return {
        "type": role,
        "uuid": f"aaaaaaaa-0000-4000-8000-{number:012x}",
        "parentUuid": None if parent is None else f"aaaaaaaa-0000-4000-8000-{parent:012x}",
        "sessionId": session,
        "timestamp": f"2026-02-01T10:00:{number:02d}.000Z",
        "message": message,
    }


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A session, one that goes on from it with all its lines, and a fork from its middle."""
    said = [(1, None, "Boil"), (2, 1, "How much?"), (3, 2, "A litre"), (4, 3, "Boiling")]
    versions = [said, [*said, (5, 4, "Enough"), (6, 5, "Stopped")], [*said[:2], (7, 2, "A cup"), (8, 7, "Boils")]]
    made = []
    for number, rows in enumerate(versions, start=1):
        session = f"bbbbbbbb-0000-4000-8000-{number:012x}"
        path = tmp_path / "logs" / f"{session}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(line(n, parent, session, text)) + "\n" for n, parent, text in rows))
        made.append(path)
    return made


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    return store.engine.read(lambda tx: tx.rows(sql))


MESSAGES = "SELECT id, parent_id, input_tokens, output_tokens, body FROM message ORDER BY id"


def test_the_messages_are_the_same_in_every_order(files: list[Path], opened: Open) -> None:
    """Usage, search hits and branches hang on them."""
    together = opened("together")
    import_source(together, files[0].parent)
    expected = sorted((row[0], row[1], row[2], row[3]) for row in rows(together, MESSAGES))

    for number, order in enumerate(permutations(files)):
        store = opened(f"order-{number}")
        for path in (*order, order[0]):
            import_source(store, path)
        assert sorted((row[0], row[1], row[2], row[3]) for row in rows(store, MESSAGES)) == expected
        assert rows(store, "SELECT id, message_count, input_tokens, output_tokens FROM conversation") == rows(
            together, "SELECT id, message_count, input_tokens, output_tokens FROM conversation"
        )

    assert len(expected) == 8
    assert rows(together, "SELECT message_count, input_tokens, output_tokens FROM conversation") == [(8, 40, 20)]


def test_importing_the_folder_again_changes_nothing(files: list[Path], opened: Open) -> None:
    store = opened("again")
    import_source(store, files[0].parent)
    before = rows(store, "SELECT * FROM conversation"), rows(store, MESSAGES)

    report = import_source(store, files[0].parent)

    assert (rows(store, "SELECT * FROM conversation"), rows(store, MESSAGES)) == before
    assert report.conversations.unchanged == 1


def test_what_is_shown_is_of_the_newest_in_every_order(files: list[Path], opened: Open) -> None:
    """The head, the title and the id to resume are those of the session that went on longest."""
    shown = set()
    for number, order in enumerate(permutations(files)):
        store = opened(f"order-{number}")
        for path in order:
            import_source(store, path)
        shown.update(rows(store, "SELECT head_id, session_id, title FROM conversation"))

    assert len(shown) == 1
