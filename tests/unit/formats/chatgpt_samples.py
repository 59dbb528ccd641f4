"""Small ChatGPT exports for tests, and what the adapter makes of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatkeep.formats.adapters import chatgpt
from chatkeep.formats.protocol import NotImported, Record, Skipped, SourceConversation
from chatkeep.formats.sources import open_source

Found = list[Record | Skipped | NotImported]


def node(key: str, parent: str | None, said: object = "Hi", *, role: str = "user", **fields: Any) -> dict[str, Any]:
    content = said if isinstance(said, dict) else {"content_type": "text", "parts": [said]}
    message = {"id": key, "author": {"role": role}, "create_time": 1730000000.0, "content": content, **fields}
    return {"id": key, "parent": parent, "message": message}


def conversation(id: str, *nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    listed = nodes or (node("m", None),)
    mapping = {each["id"]: each for each in listed}
    return {"id": id, "create_time": 1730000000.0, "mapping": mapping, "current_node": listed[-1]["id"], **fields}


def read(path: Path) -> Found:
    """What the source holds; records must be loaded before it is closed, so only their headers are safe to use."""
    with open_source(path) as source:
        return list(chatgpt.read(source))


def loaded(path: Path) -> list[SourceConversation]:
    conversations = []
    with open_source(path) as source:
        for item in chatgpt.read(source):
            if isinstance(item, Record):
                found = item.load()
                assert isinstance(found, SourceConversation)
                conversations.append(found)
    return conversations


def one(tmp_path: Path, value: dict[str, Any]) -> SourceConversation:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(value), "utf-8")
    [found] = loaded(path)
    return found


def packed(path: Path, files: Mapping[str, object]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in files.items():
            archive.writestr(name, value if isinstance(value, bytes | str) else json.dumps(value))
    return path


def reports(found: Found) -> list[str]:
    return [f"{item.where}: {item.reason}" for item in found if isinstance(item, Skipped)]


def picture(pointer: str) -> dict[str, Any]:
    part = {"content_type": "image_asset_pointer", "asset_pointer": pointer}
    return {"content_type": "multimodal_text", "parts": [part]}
