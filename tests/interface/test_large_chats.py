"""A conversation of ten thousand turns with a message of a megabyte in it, through every reader and every writer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import chatkeep
from chatkeep.formats.registry import BUILTIN, WRITERS
from tests.golden.chorus_app.schema import Builder
from tests.interface.child import chatkeep_process
from tests.unit.formats.chatgpt_samples import conversation, node

TURNS = 10_000
LARGE_AT = 5_000
LARGE = "large " + "verbena " * 131_072
START = datetime(2026, 1, 2, 10, tzinfo=UTC)


def text(turn: int) -> str:
    return LARGE if turn == LARGE_AT else f"turn number {turn} of many"


def at(turn: int) -> str:
    return (START + timedelta(seconds=turn)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def who(turn: int, person: str, machine: str) -> str:
    return machine if turn % 2 else person


def _dump(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def chatgpt(folder: Path) -> Path:
    nodes = [
        node(f"n{turn}", f"n{turn - 1}" if turn else None, text(turn), role=who(turn, "user", "assistant"))
        for turn in range(TURNS)
    ]
    return _dump(folder / "conversations.json", [conversation("c", *nodes, title="Long")])


def claude(folder: Path) -> Path:
    messages = [
        {"uuid": f"m{turn}", "sender": who(turn, "human", "assistant"), "text": text(turn), "created_at": at(turn)}
        for turn in range(TURNS)
    ]
    chat = {"uuid": "c", "name": "Long", "created_at": at(0), "updated_at": at(TURNS), "chat_messages": messages}
    return _dump(folder / "conversations.json", [chat])


def claude_code(folder: Path) -> Path:
    path = folder / "session.jsonl"
    with path.open("w") as lines:
        for turn in range(TURNS):
            kind = who(turn, "user", "assistant")
            message: dict[str, Any] = {"role": kind, "content": text(turn)}
            if kind == "assistant":
                message = {"role": kind, "model": "m", "content": [{"type": "text", "text": text(turn)}]}
            line: dict[str, Any] = {"type": kind, "uuid": f"u{turn}", "parentUuid": f"u{turn - 1}" if turn else None}
            line |= {"sessionId": "s", "timestamp": at(turn), "message": message, "version": "2.0.0"}
            lines.write(json.dumps(line) + "\n")
    return path


def chorus_app(folder: Path) -> Path:
    path = folder / "chats.db"
    with Builder(path) as db:
        db.chat("c", title="Long")
        for turn in range(TURNS):
            kind = who(turn, "user", "ai")
            row = {"id": f"m{turn}", "text": text(turn), "level": 0, "selected": 1}
            if turn % 2:
                row["text"] = ""
                db.parts("c", f"m{turn}", (text(turn), None, None))
            db.turn(f"s{turn}", "c", kind, row, level=turn, selected_block_type=who(turn, "user", "tools"))
    return path


def litechat(folder: Path) -> Path:
    interactions = [
        {
            "id": f"i{turn}",
            "conversationId": "c",
            "startedAt": at(turn),
            "endedAt": at(turn),
            "type": "message.user_assistant",
            "status": "COMPLETED",
            "prompt": {"id": f"i{turn}", "content": text(turn), "parameters": {}, "metadata": {}},
            "response": text(turn + 1),
            "index": turn // 2,
            "parentId": None,
            "metadata": {"modelId": "p:m"},
        }
        for turn in range(0, TURNS, 2)
    ]
    chat = {"id": "c", "title": "Long", "createdAt": at(0), "updatedAt": at(TURNS), "metadata": {}}
    return _dump(folder / "litechat.json", {"conversation": chat, "interactions": interactions})


def own(folder: Path) -> Path:
    with chatkeep.open(folder / "source") as keep:
        chat = keep.conversations.create(title="Long")
        keep.messages.extend(chat.id, [("assistant" if turn % 2 else "user", text(turn)) for turn in range(TURNS)])
        keep.export(None, to="chatkeep", destination=folder / "own.jsonl")
    return folder / "own.jsonl"


MAKERS: dict[str, Callable[[Path], Path]] = {
    "chatgpt": chatgpt,
    "claude": claude,
    "claude-code": claude_code,
    "chorus-app": chorus_app,
    "litechat": litechat,
    "chatkeep": own,
}


def test_every_reader_is_tried() -> None:
    assert set(MAKERS) == {adapter.name for adapter in BUILTIN}


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_long_conversation_comes_in_whole_and_is_found(tmp_path: Path, name: str) -> None:
    source = MAKERS[name](tmp_path)
    with chatkeep.open(tmp_path / "keep") as keep:
        report = keep.import_from(source)
        again = keep.import_from(source)
        [chat] = keep.conversations.list().items
        thread = keep.messages.thread(chat.id)
        found = keep.search("verbena").hits

        assert (report.format, report.skipped, report.messages.added) == (name, [], TURNS)
        assert (again.messages.added, again.messages.updated) == (0, 0)
        assert [message.text for message in thread] == [text(turn) for turn in range(TURNS)]
        assert [message.role for message in thread] == [who(turn, "user", "assistant") for turn in range(TURNS)]
        assert [hit.message_id for hit in found] == [thread[LARGE_AT].id]
        assert len(found[0].snippet) < 400
        assert keep.search('"turn number 9999"').hits[0].message_id == thread[9_999].id
        assert keep.check().findings == ()


def test_a_long_conversation_is_shown_and_written_whole(tmp_path: Path) -> None:
    with chatkeep.open(tmp_path / "keep") as keep:
        keep.import_from(own(tmp_path))
        [chat] = keep.conversations.list().items
    home = ("--home", tmp_path / "keep")

    shown = chatkeep_process("show", chat.id, "--raw", *home)
    as_json = chatkeep_process("show", chat.id, "--json", *home)
    drawn = chatkeep_process("show", chat.id, *home)

    assert (shown.code, as_json.code, drawn.code) == (0, 0, 0)
    assert len(as_json.json["messages"]) == TURNS
    for document in (shown.out, drawn.out):
        assert document.count("turn number ") == TURNS - 1
        assert document.count("verbena") == 131_072
    for name in [writer.name for writer in WRITERS]:
        written = chatkeep_process("export", chat.id, "--to", name, "-o", tmp_path / f"out-{name}", *home)
        assert written.code == 0, written.err
        files = [path for path in [tmp_path / f"out-{name}", *(tmp_path / f"out-{name}").rglob("*")] if path.is_file()]
        content = "".join(path.read_text("utf-8") for path in files)
        assert len(set(re.findall(r"turn number (\d+)", content))) == TURNS - 1
        assert content.count("verbena") == 131_072
