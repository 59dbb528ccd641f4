"""Which files are ChatGPT's, of many that look alike."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chatkeep.formats.adapters import chatgpt
from chatkeep.formats.sources import probe

NODE = {
    "id": "m",
    "parent": None,
    "message": {"id": "m", "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Hi"]}},
}
CONVERSATION: dict[str, Any] = {"title": "T", "create_time": 1.0, "mapping": {"m": NODE}, "current_node": "m"}
DEEPSEEK = {
    "id": "d",
    "title": "Ink",
    "inserted_at": "2026-03-04T18:00:00.100000+08:00",
    "mapping": {"1": {"id": "1", "parent": None, "message": {"fragments": [{"type": "REQUEST", "content": "?"}]}}},
}
CLAUDE = {"uuid": "c", "name": "Moon", "chat_messages": [{"uuid": "m", "text": "?"}]}
GROK = {"conversations": [{"conversation": {"id": "g"}, "responses": [{"response": {"_id": "r"}}]}], "projects": []}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([CONVERSATION], id="array"),
        pytest.param({"conversations": [CONVERSATION]}, id="wrapped"),
        pytest.param(CONVERSATION, id="single"),
        pytest.param([{"mapping": {"m": NODE}}], id="trimmed"),
        pytest.param(
            [CONVERSATION | {"mapping": {"m": NODE | {"message": {"author": {"role": "user"}, "content": "plain"}}}}],
            id="plain-content",
        ),
        pytest.param(
            [CONVERSATION | {"title": 'asks of "inserted_at": and "chat_messages": [] and "fragments": ['}],
            id="other-keys-in-text",
        ),
    ],
)
def test_every_shape_is_recognised(value: object, tmp_path: Path) -> None:
    path = tmp_path / "whatever.json"
    path.write_text(json.dumps(value), "utf-8")

    assert chatgpt.recognises(probe(path))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([DEEPSEEK], id="deepseek"),
        pytest.param([DEEPSEEK | {"inserted_at": None}], id="deepseek-null"),
        pytest.param([{k: v for k, v in DEEPSEEK.items() if k != "inserted_at"}], id="deepseek-by-fragments"),
        pytest.param([CLAUDE], id="claude"),
        pytest.param(GROK, id="grok"),
        pytest.param([], id="empty"),
        pytest.param({"mapping": {"a": "b"}}, id="some-mapping"),
        pytest.param({"mapping": 3, "current_node": None}, id="no-mapping"),
    ],
)
@pytest.mark.parametrize("name", ["conversations.json", "conversations-000.json"])
@pytest.mark.parametrize("packed", [False, True])
def test_other_apps_files_are_left_to_others(value: object, name: str, packed: bool, tmp_path: Path) -> None:
    """DeepSeek has a mapping too, Claude and DeepSeek the same file names."""
    path = tmp_path / name
    path.write_text(json.dumps(value), "utf-8")
    if packed:
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            archive.write(path, name)
            archive.writestr("user.json", "{}")
        path = tmp_path / "export.zip"

    assert not chatgpt.recognises(probe(path))


def test_an_export_without_chats_is_recognised_by_its_layout(tmp_path: Path) -> None:
    """A new account's conversations are an empty array, which says nothing by itself."""
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for name, text in (("x/conversations.json", "[]"), ("x/chat.html", "<html>"), ("x/user.json", "{}")):
            archive.writestr(name, text)

    assert chatgpt.recognises(probe(tmp_path / "export.zip"))


def test_garbage_is_not_recognised(tmp_path: Path) -> None:
    for index, garbage in enumerate((b"", b"\0\1\2", b'"mapping": {"author":', b"[" * 70_000, b"{}")):
        path = tmp_path / f"{index}.json"
        path.write_bytes(garbage)

        assert not chatgpt.recognises(probe(path))
