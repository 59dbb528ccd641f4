"""Claude Code logs: replies over many lines, trees through noise, copies, files beside the log."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from chatkeep.formats.adapters import claude_code
from chatkeep.formats.protocol import Record, SourceConversation, SourceMessage
from chatkeep.formats.sources import open_source
from chatkeep.model import AttachmentRef, Text, ToolCall, Usage

SESSION = "bbbbbbbb-0000-4000-8000-000000000001"


def uuid(number: int) -> str:
    return f"aaaaaaaa-0000-4000-8000-{number:012x}"


def line(number: int, parent: int | None, kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "parentUuid": None if parent is None else uuid(parent),
        "isSidechain": False,
        "sessionId": SESSION,
        "type": kind,
        "uuid": uuid(number),
        "timestamp": f"2026-02-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z",
        **fields,
    }


def user(number: int, parent: int | None, content: Any, **fields: Any) -> dict[str, Any]:
    return line(number, parent, "user", message={"role": "user", "content": content}, **fields)


def reply(number: int, parent: int, reply_id: str, *blocks: dict[str, Any], output: int = 1, **fields: Any) -> Any:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 9, "output_tokens": output}
    message = {"id": reply_id, "role": "assistant", "model": "m", "content": list(blocks), "usage": usage}
    return line(number, parent, "assistant", requestId=f"r-{reply_id}", message=message, **fields)


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def call(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "Bash", "input": arguments}


def result(call_id: str, content: Any = "ok") -> list[dict[str, Any]]:
    return [{"type": "tool_result", "tool_use_id": call_id, "content": content}]


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def conversations(path: Path) -> list[SourceConversation]:
    found = []
    with open_source(path) as source:
        for item in claude_code.read(source):
            if isinstance(item, Record):
                loaded = item.load()
                assert isinstance(loaded, SourceConversation)
                found.append(loaded)
    return found


def session(folder: Path, *rows: Any) -> SourceConversation:
    (found,) = conversations(write(folder / f"{SESSION}.jsonl", *rows))
    return found


def thread(found: SourceConversation) -> list[SourceMessage]:
    by_id = {message.source_id: message for message in found.messages}
    walked: list[SourceMessage] = []
    current = found.head_id
    while current is not None:
        walked.append(by_id[current])
        current = by_id[current].parent_id
    return walked[::-1]


def said(messages: list[SourceMessage]) -> list[str]:
    return [part.text for message in messages for part in message.parts if isinstance(part, Text)]


def test_a_reply_of_many_lines_is_one_message_that_is_paid_once(tmp_path: Path) -> None:
    """Each block has a line of its own, and each line repeats the usage so far."""
    found = session(
        tmp_path,
        user(1, None, "Go"),
        reply(2, 1, "msg", text("On it."), output=2),
        reply(3, 2, "msg", call("t1"), output=30),
        user(4, 3, result("t1")),
        reply(5, 3, "msg", call("t2"), output=44),
        user(6, 5, result("t2")),
        reply(7, 6, "msg2", text("Done."), output=5),
    )

    assert [message.source_id for message in found.messages] == [uuid(n) for n in (1, 2, 4, 6, 7)]
    assert [message.usage for message in found.messages if message.usage] == [
        Usage(input=3, cache_read=9, output=44),
        Usage(input=3, cache_read=9, output=5),
    ]
    assert len(thread(found)) == 5, "results of parallel calls are no branches"


def test_growing_snapshots_of_a_reply_are_not_repeated(tmp_path: Path) -> None:
    found = session(
        tmp_path,
        user(1, None, "Go"),
        reply(2, 1, "msg", text("On")),
        reply(3, 2, "msg", text("On it."), call("t1", command="l")),
        reply(4, 3, "msg", text("On it."), call("t1", command="ls")),
    )

    (made,) = [message for message in found.messages if message.role == "assistant"]
    assert made.parts == (Text(text="On it."), ToolCall(id="t1", name="Bash", input={"command": "ls"}))


def test_a_thread_runs_through_lines_that_are_no_messages(tmp_path: Path) -> None:
    """A third of all lines report progress, and parents point at them."""
    noise = [line(number, number - 1, "progress", data={"type": "bash_progress"}) for number in range(2, 500)]

    found = session(tmp_path, user(1, None, "Go"), *noise, reply(500, 499, "msg", text("Done.")))

    assert [message.parent_id for message in found.messages] == [None, uuid(1)]
    assert found.extra["leftOut"] == {"progress bash_progress": 498}


def test_a_rewound_prompt_leaves_its_branch(tmp_path: Path) -> None:
    found = session(
        tmp_path,
        user(1, None, "Go"),
        reply(2, 1, "a", text("Which way?")),
        user(3, 2, "Left"),
        reply(4, 3, "b", text("Dead end.")),
        user(5, 2, "Right"),
        reply(6, 5, "c", text("Home.")),
    )

    assert said(thread(found)) == ["Go", "Which way?", "Right", "Home."]
    assert len(found.messages) == 6


def test_a_log_without_parents_is_read_in_order(tmp_path: Path) -> None:
    rows = [{**user(number, None, f"{number}"), "parentUuid": None} for number in range(1, 4)]

    assert said(thread(session(tmp_path, *rows))) == ["1", "2", "3"]


def test_what_was_noted_after_the_last_line_is_the_leaf(tmp_path: Path) -> None:
    """Someone who goes back and quits sees the earlier branch next time."""
    rows = [user(1, None, "Go"), reply(2, 1, "a", text("A")), reply(3, 1, "b", text("B"))]
    noted = {"type": "last-prompt", "leafUuid": uuid(2)}

    assert session(tmp_path, *rows, noted).head_id == uuid(2)
    assert session(tmp_path, *rows, {**noted, "leafUuid": uuid(1)}).head_id == uuid(3)
    assert session(tmp_path, noted, *rows).head_id == uuid(3)


def test_a_repeated_line_is_one_message(tmp_path: Path) -> None:
    found = session(tmp_path, user(1, None, "Go"), user(1, None, "Go", version="2"), user(1, None, "Stop"))

    assert [message.source_id for message in found.messages] == [uuid(1), f"{uuid(1)}#3"]
    assert [problem.where for problem in found.problems] == [f"{SESSION}.jsonl line 3 uuid"]


def test_pictures_are_read_again_from_their_line(tmp_path: Path) -> None:
    """They make up most of a large log, so their bytes are not held."""
    picture = bytes(range(256)) * 40
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(picture).decode()}
    path = write(
        tmp_path / f"{SESSION}.jsonl",
        user(1, None, [text("See"), {"type": "image", "source": source}]),
        user(2, 1, result("t", [{"type": "image", "source": source}])),
        user(3, 2, [{"type": "image", "source": {**source, "data": "?"}}]),
    )
    (found,) = conversations(path)

    read = []
    for attachment in found.attachments[:2]:
        assert attachment.open is not None
        with attachment.open() as stream:
            read.append(stream.read() == picture)

    assert read == [True, True]
    assert found.attachments[2].open is None
    assert "data" not in repr(found.messages[1].parts)


def test_only_the_session_s_own_folder_is_looked_into(tmp_path: Path) -> None:
    """A log can name any path of the machine."""
    project = tmp_path / "projects" / "-home"
    secret = write(tmp_path / "projects" / "other" / "tool-results" / "secret.txt", "secret")
    write(project / SESSION / "tool-results" / "own.txt", "mine")
    rows = [
        user(1, None, "Go"),
        user(2, 1, result("a", f"Full output saved to: {secret}")),
        user(3, 2, result("b", "Full output saved to: ../../../own.txt")),
    ]
    write(project / f"{SESSION}.jsonl", *rows)

    (found,) = conversations(tmp_path)

    opened = {item.name: item.open is not None for item in found.attachments}
    assert opened == {"secret.txt": False, "own.txt": True}


def test_sessions_that_repeat_one_another_are_one_conversation(tmp_path: Path) -> None:
    """Older versions copied all lines into a new file to go on; forks still do."""
    other, third = SESSION[:-1] + "2", SESSION[:-1] + "3"
    rows = [user(1, None, "Go"), reply(2, 1, "a", text("Gone."))]
    write(tmp_path / f"{SESSION}.jsonl", *rows)
    write(
        tmp_path / f"{other}.jsonl", *[{**row, "sessionId": other} for row in rows], user(3, 2, "Back", sessionId=other)
    )
    write(tmp_path / f"{third}.jsonl", *rows, user(4, 2, "Further", sessionId=third, sessionKind="bg"))

    (found,) = conversations(tmp_path)
    alone = conversations(tmp_path / f"{other}.jsonl") + conversations(tmp_path / f"{SESSION}.jsonl")

    assert said(thread(found)) == ["Go", "Gone.", "Further"]
    assert len(found.messages) == 4
    assert (found.session_id, found.extra["sessionIds"]) == (third, [SESSION, other])
    assert {(item.source_id, item.scope, item.created_at) for item in [*alone, found]} == {
        (uuid(1), uuid(1), found.created_at)
    }
    assert all(message in found.messages for item in alone for message in item.messages)


def test_a_copy_under_a_new_id_is_not_paid_again(tmp_path: Path) -> None:
    origin = {"sessionId": "other", "messageUuid": uuid(99)}

    found = session(tmp_path, user(1, None, "Go"), reply(2, 1, "a", text("Gone."), forkedFrom=origin))

    assert found.messages[1].usage is None
    assert found.messages[1].extra["usage"]["input_tokens"] == 3


def test_headers_of_a_failed_request_are_left_out(tmp_path: Path) -> None:
    """They may carry cookies."""
    error = {"status": 401, "message": "refused", "headers": {"set-cookie": "secret"}}

    found = session(tmp_path, user(1, None, "Go"), line(2, 1, "system", subtype="api_error", error=error))

    assert found.messages[1].extra["error"] == {"status": 401, "message": "refused"}
    assert said(list(found.messages)) == ["Go", "refused"]


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    """Logs are imported while they are being written."""
    found = session(tmp_path, user(1, None, "Go"), '{"type":"user","uuid":"' + uuid(2) + '","mess')

    assert said(list(found.messages)) == ["Go"]
    assert [problem.where for problem in found.problems] == [f"{SESSION}.jsonl line 2"]


def test_text_of_the_editor_is_taken_off_the_prompt(tmp_path: Path) -> None:
    opened = "<ide_opened_file>a.py</ide_opened_file>"
    found = session(tmp_path, user(1, None, f"{opened} Why?"), user(2, 1, opened), user(3, 2, "<b>bold</b>"))

    assert [(message.role, message.hidden) for message in found.messages] == [
        ("user", False),
        ("system", True),
        ("user", False),
    ]
    assert said(list(found.messages)) == ["Why?", "<b>bold</b>"]


def test_a_fingerprint_is_of_the_log_and_of_what_decides_its_title(tmp_path: Path) -> None:
    def fingerprints() -> list[str | None]:
        with open_source(tmp_path) as source:
            return [item.fingerprint for item in claude_code.read(source) if isinstance(item, Record)]

    write(tmp_path / f"{SESSION}.jsonl", user(1, None, "Go"))
    first = fingerprints()
    same = fingerprints()
    write(tmp_path / f"{SESSION[:-1]}2.jsonl", {"type": "summary", "summary": "Going", "leafUuid": uuid(1)})
    titled = fingerprints()

    assert first == same != titled
    assert conversations(tmp_path)[0].title == "Going"


def test_ten_thousand_turns_and_a_chain_of_a_hundred_thousand(tmp_path: Path) -> None:
    """No walk may be quadratic, none recursive."""
    rows: list[Any] = [user(1, None, "long " * 200_000)]
    for turn in range(1, 10_000):
        number = turn * 10
        before = number - 9 if turn > 1 else 1
        rows += [line(number + step, number + step - 1 if step else before, "progress") for step in range(1)]
        rows.append(reply(number + 1, number, f"m{turn}", text("Yes.")))
    rows += [line(200_000 + n, (200_000 + n - 1) if n else 99_991, "attachment") for n in range(90_000)]

    found = session(tmp_path, *rows)

    assert len(found.messages) == 1 + 9_999 + 90_000
    assert len(thread(found)) == len(found.messages)
    assert not any(isinstance(part, AttachmentRef) for message in found.messages for part in message.parts)
