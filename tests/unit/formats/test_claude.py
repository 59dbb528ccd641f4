"""Claude.ai exports: threads, documents, files, and what is never read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters import claude
from chatkeep.formats.protocol import NotImported, Record, Skipped, SourceConversation
from chatkeep.formats.registry import recognise
from chatkeep.formats.sources import open_source, probe
from chatkeep.model import AttachmentRef, Text, ToolCall, ToolResult


def message(uuid: str, sender: str = "human", **fields: Any) -> dict[str, Any]:
    return {"uuid": uuid, "sender": sender, "text": uuid, "created_at": "2026-01-01T00:00:00Z", **fields}


def conversation(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"uuid": "c1", "name": "A chat", "chat_messages": list(messages), **fields}


def loaded(folder: Path, data: Any) -> SourceConversation:
    path = folder / "conversations.json"
    path.write_text(json.dumps(data if isinstance(data, list) else [data]), "utf-8")
    with open_source(path) as source:
        (record,) = [item for item in claude.read(source) if isinstance(item, Record)]
        found = record.load()
    assert isinstance(found, SourceConversation)
    return found


def parents(found: SourceConversation) -> dict[str, str | None]:
    return {item.source_id: item.parent_id for item in found.messages}


def test_without_parents_messages_follow_one_another(tmp_path: Path) -> None:
    """Exports before late 2025 have no key for it, which is not the same as null."""
    found = loaded(tmp_path, conversation(message("a"), message("b", "assistant"), message("c")))

    assert parents(found) == {"a": None, "b": "a", "c": "b"}
    assert found.head_id == "c"


def test_a_null_parent_is_a_root(tmp_path: Path) -> None:
    """The first prompt can be edited too: then there are two."""
    first, edited = message("a", parent_message_uuid=None), message("b", parent_message_uuid=None)

    assert parents(loaded(tmp_path, conversation(first, edited))) == {"a": None, "b": None}


def test_of_messages_of_the_same_second_the_later_in_the_list_is_shown(tmp_path: Path) -> None:
    """There is no current leaf in an export, and the list is in order of time."""
    data = conversation(
        message("a", parent_message_uuid=None),
        message("b", "assistant", parent_message_uuid="a"),
        message("c", "assistant", parent_message_uuid="a"),
    )

    assert loaded(tmp_path, data).head_id == "c"


def test_the_leaf_that_a_capture_names_wins(tmp_path: Path) -> None:
    data = conversation(
        message("a", parent_message_uuid=None),
        message("b", "assistant", parent_message_uuid="a"),
        message("c", "assistant", parent_message_uuid="a"),
        current_leaf_message_uuid="b",
    )

    assert loaded(tmp_path, data).head_id == "b"


def artifact(command: str, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": None, "name": "artifacts", "input": {"command": command, "id": "d", **fields}}


def test_documents_are_rebuilt_along_their_own_branch(tmp_path: Path) -> None:
    """An update on one branch must not build on what the other branch did."""
    data = conversation(
        message("a", "assistant", parent_message_uuid=None, content=[artifact("create", content="one")]),
        message("b", "assistant", parent_message_uuid="a", content=[artifact("update", old_str="one", new_str="two")]),
        message("c", "assistant", parent_message_uuid="a", content=[artifact("update", old_str="one", new_str="ten")]),
    )

    found = loaded(tmp_path, data)

    texts = []
    for attachment in found.attachments:
        assert attachment.open is not None
        with attachment.open() as stream:
            texts.append(stream.read())
    assert texts == [b"one", b"two", b"ten"]
    assert found.problems == ()


def test_results_without_a_call_answer_the_oldest_open_call(tmp_path: Path) -> None:
    content = [
        {"type": "tool_use", "id": None, "name": "first", "input": {}},
        {"type": "tool_use", "id": "named", "name": "second", "input": {}},
        {"type": "tool_use", "id": None, "name": "third", "input": {}},
        {"type": "tool_result", "tool_use_id": "named", "content": "2"},
        {"type": "tool_result", "tool_use_id": None, "content": "1"},
        {"type": "tool_result", "tool_use_id": None, "content": "3"},
        {"type": "tool_result", "tool_use_id": None, "content": "of nothing"},
    ]

    parts = loaded(tmp_path, conversation(message("a", "assistant", content=content))).messages[0].parts

    calls = {part.id: part.name for part in parts if isinstance(part, ToolCall)}
    answers = [(calls.get(part.call_id), part.output) for part in parts if isinstance(part, ToolResult)]
    assert answers == [("second", "2"), ("first", "1"), ("third", "3"), (None, "of nothing")]


def test_flattened_text_is_not_shown_beside_the_blocks(tmp_path: Path) -> None:
    blocks = [{"type": "text", "text": "Said once."}]
    found = loaded(tmp_path, conversation(message("a", content=blocks, text="Said  once.\n")))

    assert found.messages[0].parts == (Text(text="Said once."),)
    assert found.messages[0].extra == {}


def test_flattened_text_that_says_something_else_is_kept(tmp_path: Path) -> None:
    blocks = [{"type": "text", "text": "Said once."}]

    found = loaded(tmp_path, conversation(message("a", content=blocks, text="Something else")))

    assert found.messages[0].extra == {"text": "Something else"}


def test_a_file_listed_twice_is_one_file_with_its_text(tmp_path: Path) -> None:
    data = message(
        "a",
        attachments=[{"file_name": "n.txt", "extracted_content": "inside"}],
        files=[{"file_uuid": "f", "file_name": "n.txt"}],
    )

    found = loaded(tmp_path, conversation(data))

    assert [item.name for item in found.attachments] == ["n.txt"]
    assert sum(isinstance(part, AttachmentRef) for part in found.messages[0].parts) == 1


def test_nothing_of_a_person_comes_in(tmp_path: Path) -> None:
    """Names, addresses and phone numbers are nobody's chats."""
    (tmp_path / "users.json").write_text(json.dumps([{"full_name": "Ann Onym", "email_address": "ann@x.example"}]))
    data = conversation(
        message("a"), account={"uuid": "acc", "email_address": "ann@x.example", "full_name": "Ann Onym"}
    )
    found = loaded(tmp_path, data)

    with open_source(tmp_path) as source:
        others = [item for item in claude.read(source) if isinstance(item, NotImported)]

    assert "Onym" not in repr(found)
    assert "ann@" not in repr(found)
    assert others == [NotImported("account data", 1)]


def test_a_manifest_of_links_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "manifest-5f0e0000-0000-4000-8000-0000000000a1-2026-09-01.json"
    path.write_text('{"files": [{"url": "https://download.example/1.zip"}]}')

    assert recognise(probe(path)) is claude
    with open_source(path) as source, pytest.raises(UnreadableSourceError, match="download the zip files"):
        list(claude.read(source))


def test_a_zip_is_told_from_another_export_with_the_same_file_name(tmp_path: Path) -> None:
    """OpenAI's zip holds a conversations.json too."""
    ours, theirs = tmp_path / "ours.zip", tmp_path / "theirs.zip"
    with zipfile.ZipFile(ours, "w") as archive:
        archive.writestr("data/conversations.json", "[]")
        archive.writestr("data/users.json", "[]")
    with zipfile.ZipFile(theirs, "w") as archive:
        archive.writestr("conversations.json", '[{"title": "x", "mapping": {}}]')
        archive.writestr("user.json", "{}")

    assert claude.recognises(probe(ours))
    assert not claude.recognises(probe(theirs))


def test_a_truncated_export_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    whole = json.dumps([conversation(message("a")), conversation(message("b"), uuid="c2")])
    path.write_text(whole[:-20])

    with open_source(path) as source:
        found = list(claude.read(source))

    assert [type(item) for item in found] == [Record, Skipped]


def test_long_threads_are_walked_not_climbed(tmp_path: Path) -> None:
    """A chain deeper than any recursion, a message of a megabyte."""
    count = 100_000
    messages = [message(f"m{n}", parent_message_uuid=f"m{n - 1}" if n else None) for n in range(count)]
    messages[0]["text"] = "long " * 200_000

    found = loaded(tmp_path, conversation(*messages))

    assert len(found.messages) == count
    assert found.head_id == f"m{count - 1}"
