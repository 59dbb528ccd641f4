"""ChatGPT messages: what each becomes, and how large and deep their tree may be."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from chatkeep.model import AttachmentRef, Text, ToolCall, ToolResult
from tests.unit.formats.chatgpt_samples import conversation, loaded, node, one, packed, picture

# --- size and depth --------------------------------------------------------------------------------------------------


def test_a_chain_of_100_000_messages_is_read_without_recursion(tmp_path: Path) -> None:
    nodes = [node(str(index), str(index - 1) if index else None, "x") for index in range(100_000)]

    found = one(tmp_path, conversation("deep", *nodes))

    assert len(found.messages) == 100_000
    assert found.messages[-1].parent_id == "99998"


def test_walks_over_long_chains_are_linear(tmp_path: Path) -> None:
    """Each of these walks up; without memory of the way it would be 10**8 steps, that is minutes."""
    count = 10_000
    results = [node(f"r{i}", f"r{i - 1}" if i else "call", role="tool") for i in range(count)]
    call = node("call", None, role="assistant", recipient="python")
    empty = [{"id": f"e{i}", "parent": f"e{i - 1}" if i else "call", "message": None} for i in range(count)]
    users = [node(f"u{i}", f"e{i}") for i in range(count)]
    begun = time.perf_counter()

    found = one(tmp_path, conversation("c", *results, call, *empty, *users))

    assert time.perf_counter() - begun < 30
    by_id = {message.source_id: message for message in found.messages}
    last = by_id[f"r{count - 1}"].parts[0]
    assert isinstance(last, ToolResult)
    assert last.call_id == "call"
    assert {by_id[f"u{i}"].parent_id for i in range(count)} == {"call"}


def test_long_loops_end(tmp_path: Path) -> None:
    """Parents that run in a circle, with and without messages; the importing service cuts and reports them."""
    count = 5_000
    loop = [node(f"t{i}", f"t{(i + 1) % count}", role="tool") for i in range(count)]
    empty = [{"id": f"e{i}", "parent": f"e{(i + 1) % count}", "message": None} for i in range(count)]

    found = one(tmp_path, conversation("c", *loop, *empty, node("u", "e7"), current_node="e3"))

    assert len(found.messages) == count + 1
    assert found.messages[-1].parent_id is None
    assert [problem.reason for problem in found.problems] == ["is its own ancestor"]


def test_ten_thousand_turns_and_a_message_of_a_megabyte(tmp_path: Path) -> None:
    large = "word é " * 150_000
    nodes = [node("0", None, large)]
    nodes += [
        node(str(i), str(i - 1), role="assistant" if i % 2 else "user", metadata={"model_slug": "gpt-5"})
        for i in range(1, 20_000)
    ]

    found = one(tmp_path, conversation("long", *nodes))

    assert found.messages[0].parts == (Text(text=large),)
    assert [message.source_id for message in found.messages[-2:]] == ["19998", "19999"]


def test_a_hundred_thousand_markers_are_resolved_in_time(tmp_path: Path) -> None:
    marker = "\ue200cite\ue202turn0search1\ue201"
    reference = {"matched_text": marker, "type": "webpage", "url": "https://a.example", "title": "A"}
    said = "".join(f"{marker}\u3010{i}\u2020source\u3011\ue200" for i in range(50_000))
    answer = node("m", None, said, role="assistant", metadata={"content_references": [reference] * 1000})
    begun = time.perf_counter()

    found = one(tmp_path, conversation("c", answer))

    assert time.perf_counter() - begun < 30
    text = found.messages[0].parts[0]
    assert isinstance(text, Text)
    assert text.text == "[1]" * 50_000


# --- what a message becomes ------------------------------------------------------------------------------------------


def test_a_result_belongs_to_the_nearest_call_above_it(tmp_path: Path) -> None:
    nodes = (
        node("u", None),
        node("c1", "u", role="assistant", recipient="web"),
        node("r1", "c1", role="tool"),
        node("c2", "r1", role="assistant", recipient="python"),
        node("r2", "c2", role="tool"),
        node("r3", "r2", role="tool"),
        node("r4", "u", role="tool"),
    )

    found = one(tmp_path, conversation("c", *nodes))

    results = {m.source_id: part.call_id for m in found.messages for part in m.parts if isinstance(part, ToolResult)}
    assert results == {"r1": "c1", "r2": "c2", "r3": "c2", "r4": ""}


@pytest.mark.parametrize(
    ("said", "recipient", "given"),
    [
        ('{"q": [1]}', "web.run", {"q": [1]}),
        ('{"q": 1} tail', "web.run", '{"q": 1} tail'),
        ("{1: 2}", "python", "{1: 2}"),
        ('{"a": 1}', "python", '{"a": 1}'),
        ("[1, 2]", "web", "[1, 2]"),
        ("", "bio", ""),
    ],
)
def test_the_input_of_a_call_is_parsed_only_if_it_is_an_object(
    said: str, recipient: str, given: object, tmp_path: Path
) -> None:
    """A Python program such as ``[1, 2]`` is JSON by chance, and its spelling matters."""
    content = {"content_type": "code", "language": "unknown", "text": said}
    found = one(tmp_path, conversation("c", node("m", None, content, role="assistant", recipient=recipient)))

    assert found.messages[0].parts == (ToolCall(id="m", name=recipient, input=given),)


@pytest.mark.parametrize(
    ("fields", "hidden"),
    [
        ({}, False),
        ({"weight": 0.0}, True),
        ({"metadata": {"is_visually_hidden_from_conversation": True}}, True),
        ({"metadata": {"is_visually_hidden_from_conversation": "no"}}, False),
        ({"author": {"role": "system"}}, True),
        ({"author": {"role": "system"}, "metadata": {"is_user_system_message": True}}, False),
        ({"content": {"content_type": "text", "parts": [" "]}}, True),
        ({"content": picture("sediment://file_1")}, False),
    ],
)
def test_what_nobody_was_shown_is_hidden(fields: dict[str, Any], hidden: bool, tmp_path: Path) -> None:
    found = one(tmp_path, conversation("c", node("m", None, **fields)))

    assert found.messages[0].hidden is hidden


def test_markers_can_be_put_back(tmp_path: Path) -> None:
    """The text that the model wrote is kept, though a person reads another."""
    said = "A\ue203b\ue204 \ue200cite\ue202turn0search0\ue201 and \u30101\u2020source\u3011."
    found = one(tmp_path, conversation("c", node("m", None, said, role="assistant")))
    text = found.messages[0].parts[0]
    assert isinstance(text, Text)

    restored = text.text
    for offset, length, stood in reversed(text.extra["markers"]):
        restored = restored[:offset] + stood + restored[offset + length :]

    assert restored == said


def test_lone_surrogates_and_nul_cost_nothing(tmp_path: Path) -> None:
    """The importing service cleans texts; the reader must not fail on them."""
    path = tmp_path / "c.json"
    path.write_text(json.dumps([conversation("c", node("m", None, "half \ud83c and \0"))]), "utf-8")

    [found] = loaded(path)

    assert found.messages[0].parts == (Text(text="half \ud83c and \0"),)


def test_conversations_without_an_id_get_the_same_one_each_time(tmp_path: Path) -> None:
    first = conversation("", node("m", None))
    grown = conversation("", node("m", None), node("n", "m"), title="renamed")

    assert one(tmp_path, first).source_id == one(tmp_path, grown).source_id
    assert one(tmp_path, first | {"create_time": 5.0}).source_id != one(tmp_path, first).source_id


def test_a_file_that_only_the_library_names_joins_its_message(tmp_path: Path) -> None:
    row = {"file_id": "file_9", "file_name": "r.pdf", "origination_thread_id": "a", "origination_message_id": "m"}
    files = {"conversations.json": [conversation("a")], "library_files.json": [row], "file_9.dat": b"pdf"}

    [found] = loaded(packed(tmp_path / "e.zip", files))

    assert found.messages[0].parts[-1] == AttachmentRef(attachment_id="file_9", name="r.pdf")
    assert found.attachments[0].open is not None
