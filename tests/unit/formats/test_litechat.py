"""LiteChat's export files: which they are, what belongs together, what is never taken over."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters import litechat
from chatkeep.formats.adapters.litechat import full_export
from chatkeep.formats.adapters.litechat.shapes import Shape, first_keys, shape_of
from chatkeep.formats.protocol import NotImported, Record, Skipped, SourceConversation
from chatkeep.formats.sources import open_source
from chatkeep.model import ToolCall

GOLDEN = Path(__file__).parents[2] / "golden" / "litechat"


def turn(id: str, **values: Any) -> dict[str, Any]:
    return {
        "id": id,
        "conversationId": "c",
        "type": "message.user_assistant",
        "status": "COMPLETED",
        "startedAt": "2025-08-01T09:00:00.000Z",
        "prompt": {"id": id, "content": f"{id}?", "parameters": {}, "metadata": {}},
        "response": f"{id}!",
        "index": 0,
        "parentId": None,
        "metadata": {},
        **values,
    }


def full(conversations: list[Any], interactions: list[Any], **categories: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "exportedAt": "2025-08-01T10:00:00.000Z",
        "conversations": conversations,
        "interactions": interactions,
        **categories,
    }


def conversation(id: str, **values: Any) -> dict[str, Any]:
    return {"id": id, "title": id, "createdAt": "2025-08-01T09:00:00.000Z", "projectId": None, **values}


def read(path: Path) -> tuple[list[SourceConversation], list[Record | Skipped | NotImported]]:
    with open_source(path) as source:
        found = list(litechat.read(source))
        # Only now: what a record needs stays open as long as its source.
        loaded = [item.load() for item in found if isinstance(item, Record)]
    return [item for item in loaded if isinstance(item, SourceConversation)], found


def written(folder: Path, value: Any) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(value), "utf-8")
    return path


# --- recognising ---


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('{"version": 1, "exportedAt": "2025-08-01", "settings": {', Shape.FULL),
        ('\ufeff{"version": 1, "exportedAt": "2025-08-01", "agents": []}', Shape.FULL),
        ('{"version": 1, "exportedAt": "2025-08-01"}', Shape.FULL),
        ('{"settings": {}, "rules": [], "promptTemplates": [], "version": "1"}', Shape.FULL),
        ('{"conversation": {"id": "c"}, "interactions": [', Shape.CONVERSATION),
        ('{"interactions": [], "conversation": {"id": "c"}}', Shape.CONVERSATION),
        (' [ {"conversation": {"id": "c"}, "interactions": []}', Shape.CONVERSATIONS),
        ('{"project": {"id": "p"}, "children": [', Shape.PROJECT),
        ("[]", None),
        ("{}", None),
        ('{"version": "1.0", "exportedAt": "2025", "count": 2, "assistants": []}', None),
        ('{"version": 1, "exportedAt": "2025", "conversations": [{"uuid": 1}]}', None),
        ('{"title": "x", "mapping": {}}', None),
        ('{"settings": {"theme": "dark"}}', None),
        ("# Notes", None),
        ("", None),
    ],
)
def test_shapes_are_told_by_their_first_keys(text: str, shape: Shape | None) -> None:
    assert shape_of(text.encode()) is shape


@pytest.mark.parametrize(
    "text", ['{"a', '{"a":', '{"a": [1, {"b"', '{"a": 1,, "b": 2', '{"a": ]', "{5: 1}", "{" * 9999]
)
def test_a_broken_beginning_raises_nothing(text: str) -> None:
    assert first_keys(text.encode()) in ([], ["a"], ["a", "b"])


def test_a_file_that_is_no_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSourceError, match="not an export of LiteChat"):
        read(written(tmp_path, {"other": 1}))


# --- the full export ---


def test_interactions_come_to_their_conversations_from_anywhere_in_the_file(tmp_path: Path) -> None:
    """They are listed in the order of their ids, across all conversations."""
    interactions = [turn(f"t{n}", conversationId=f"c{n % 3}", index=n) for n in range(9)]

    found, items = read(written(tmp_path, full([conversation("c0"), conversation("c2")], interactions)))

    assert [[m.source_id for m in c.messages if m.role == "assistant"] for c in found] == [
        ["t0", "t3", "t6"],
        ["t2", "t5", "t8"],
    ]
    assert NotImported("interactions of deleted conversations", 3) in items


@pytest.mark.parametrize("held", [1, 1 << 20])
@pytest.mark.parametrize("spooled", [1, 1 << 20])
def test_big_files_are_read_as_small_ones(
    held: int, spooled: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Categories above a limit are streamed, interactions beyond another one go through a temporary file."""
    whole = read(GOLDEN / "full-export" / "input.json")[0]
    monkeypatch.setattr(full_export, "_HELD_BYTES", held)
    monkeypatch.setattr(full_export, "_SPOOLED_BYTES", spooled)

    found, items = read(GOLDEN / "full-export" / "input.json")

    assert [c.messages for c in found] == [c.messages for c in whole]
    assert NotImported("workflows", 1) in items
    # An object of megabytes is named, but not counted.
    assert NotImported("settings", 12 if held > 1 else 1) in items


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_off_gives_what_is_whole(share: float, tmp_path: Path) -> None:
    interactions = [turn(f"t{n:02}", index=n, response="x" * 500) for n in range(20)]
    text = json.dumps(full([conversation("c")], interactions))
    path = tmp_path / "export.json"
    path.write_text(text[: int(len(text) * share)])

    found, items = read(path)

    assert 1 < len(found[0].messages) < 40
    assert any(isinstance(item, Skipped) and "cut off" in item.reason for item in items)


def test_an_unknown_project_is_dead_only_if_the_file_lists_projects(tmp_path: Path) -> None:
    [dead], _ = read(written(tmp_path, full([conversation("c", projectId="p")], [], projects=[])))
    [unknown], _ = read(written(tmp_path, full([conversation("c", projectId="p")], [])))

    assert (dead.project, dead.extra) == (None, {"projectId": "p"})
    assert unknown.project is not None
    assert unknown.project.source_id == "p"


def test_categories_that_were_not_exported_are_not_named(tmp_path: Path) -> None:
    """A missing key is not an empty list: somebody left the box unticked."""
    _, items = read(written(tmp_path, full([], [], rules=[{"id": "r"}], tags=[])))

    assert {item.what: item.count for item in items if isinstance(item, NotImported)} == {"rules": 1}


def test_secrets_reach_nothing_that_is_kept(tmp_path: Path) -> None:
    keys = [{"id": "k", "name": "n", "value": "sk-secret"}]
    repos = [{"id": "r", "name": "n", "password": "pw-secret"}]
    metadata = {"list": [{"api_key": "deep-secret", "kept": 1}], "Authorization": "top-secret"}
    value = full(
        [conversation("c", metadata=metadata)],
        [turn("t", metadata={"providerMetadata": {"x": {"accessToken": "in-secret"}}})],
        apiKeys=keys,
        syncRepos=repos,
        settings={"gitGlobalPat": "pat-secret"},
        mcpServers=[{"id": "m", "headers": {"X": "header-secret"}}],
    )

    found, items = read(written(tmp_path, value))

    assert "secret" not in repr(found) + repr([item for item in items if not isinstance(item, Record)])
    assert found[0].extra == {"metadata": {"list": [{"kept": 1}]}}


# --- fingerprints ---


def test_a_fingerprint_follows_what_the_conversation_is_made_of(tmp_path: Path) -> None:
    def prints(**changes: Any) -> list[str | None]:
        value = {
            **full([conversation("a", projectId="p"), conversation("b")], [turn("t", conversationId="a")]),
            "projects": [{"id": "p", "name": "P"}],
            **changes,
        }
        return [item.fingerprint for item in read(written(tmp_path, value))[1] if isinstance(item, Record)]

    before = prints()

    assert prints(exportedAt="2025-09-01T10:00:00.000Z", tags=[{"id": "x"}]) == before
    answer = prints(interactions=[turn("t", conversationId="a", response="other")])
    renamed = prints(projects=[{"id": "p", "name": "Q"}])
    assert answer[0] != before[0] != renamed[0]
    assert answer[1] == before[1] == renamed[1]


# --- size ---


def test_a_conversation_of_ten_thousand_turns_is_read_in_linear_time(tmp_path: Path) -> None:
    interactions = [turn(f"t{n}", index=n) for n in range(10_000)]
    interactions[500]["response"] = "long " * 200_000
    path = written(tmp_path, full([conversation("c")], interactions))

    started = time.monotonic()
    [found], _ = read(path)

    assert time.monotonic() - started < 20
    assert len(found.messages) == 20_000
    assert found.head_id == "t9999"


def test_a_chain_of_older_versions_is_followed_without_recursion(tmp_path: Path) -> None:
    interactions = [turn("t0")] + [
        turn(f"t{n}", parentId=f"t{n - 1}", prompt={"content": "t0?"}) for n in range(1, 20_000)
    ]

    [found], _ = read(written(tmp_path, full([conversation("c")], interactions)))

    assert {message.source_id for message in found.messages} >= {f"t{n}" for n in range(20_000)}
    assert found.problems == ()


def test_projects_nested_without_end_are_reported(tmp_path: Path) -> None:
    inner = json.dumps({"conversation": conversation("c"), "interactions": []})
    text = '{"project": {"id": "p"}, "children": [' * 200 + inner + "]}" * 200
    path = tmp_path / "export.json"
    path.write_text(text)

    found, items = read(path)

    assert found == []
    assert [item.reason for item in items if isinstance(item, Skipped)] == ["projects nested too deeply"]


# --- tool calls ---


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        ('{"type":"tool-call","toolCallId":"1","toolName":"x","input":{"a":"ü"}}', False),
        ('{"type":"tool-call","toolCallId":"1","toolName":"x","input":{"a":0.00001}}', True),
        ('{"toolCallId":"1","type":"tool-call","toolName":"x","input":{}}', True),
        ('{"type":"tool-call","toolCallId":"1","toolName":"x","input":{"a":1,"a":2}}', True),
        ('{"type":"tool-call","toolCallId":"1","toolName":"x","args":{}}', True),
    ],
)
def test_the_text_of_a_call_is_kept_where_writing_it_anew_would_change_it(
    text: str, is_kept: bool, tmp_path: Path
) -> None:
    value = {"conversation": conversation("c"), "interactions": [turn("t", metadata={"toolCalls": [text]})]}

    [found], _ = read(written(tmp_path, value))

    [call] = [part for part in found.messages[1].parts if isinstance(part, ToolCall)]
    assert call.id == "1"
    assert call.extra == ({"original": text} if is_kept else {})
