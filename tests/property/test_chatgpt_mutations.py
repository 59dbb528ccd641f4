"""A ChatGPT export with one spoilt place: nothing else is lost, nothing vanishes unreported, nothing crashes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.formats.adapters import chatgpt
from chatkeep.formats.adapters.chatgpt.files import Assets, FileBook
from chatkeep.formats.adapters.chatgpt.message import Thread, read_message
from chatkeep.formats.adapters.chatgpt.plain import plain_message
from chatkeep.formats.adapters.chatgpt.tree import Tree
from chatkeep.formats.protocol import NotImported, Record, Skipped, SourceConversation
from chatkeep.formats.sources import open_source
from chatkeep.formats.values import Problems
from tests.property.mutation import MISSING, Place, mutations, places, spoilt

GOLDEN = Path(__file__).parents[1] / "golden" / "chatgpt"


def _conversations() -> dict[str, Any]:
    """By name, what the golden inputs hold; between them they use all that the reader knows."""
    found: dict[str, Any] = {}
    for path in sorted(GOLDEN.rglob("input*/**/conversations*.json")) + sorted(GOLDEN.glob("*/input.json")):
        value = json.loads(path.read_text("utf-8"))
        listed = value if isinstance(value, list) else value.get("conversations", [value])
        for index, item in enumerate(listed):
            if isinstance(item, dict) and "mapping" in item and item not in found.values():
                found[f"{path.parent.name}/{path.name}/{index}"] = item
    return found


CONVERSATIONS = _conversations()
INTACT: dict[str, Any] = {
    "id": "intact",
    "title": "Not touched",
    "create_time": 1730000000.0,
    "current_node": "m",
    "mapping": {
        "m": {
            "id": "m",
            "parent": None,
            "message": {"id": "m", "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["whole"]}},
        }
    },
}


def _read(value: Any, folder: Path) -> list[Record | Skipped | NotImported]:
    path = folder / "conversations.json"
    path.write_text(json.dumps(value), "utf-8")
    with open_source(path) as source:
        return list(chatgpt.read(source))


def _loaded(record: Record) -> SourceConversation | None:
    """None if it cannot be read at all. The contract allows more errors, but here they would be bugs."""
    try:
        found = record.load()
    except ValueError:
        return None
    assert isinstance(found, SourceConversation)
    return found


@given(
    st.sampled_from(sorted(CONVERSATIONS)).flatmap(lambda name: mutations(CONVERSATIONS[name]).map(lambda m: (name, m)))
)
def test_one_spoilt_place_harms_no_other_conversation(drawn: tuple[str, tuple[Place, Any]]) -> None:
    name, (place, wrong) = drawn
    with tempfile.TemporaryDirectory() as folder:
        found = _read([spoilt(CONVERSATIONS[name], place, wrong), INTACT], Path(folder))

        records = [item for item in found if isinstance(item, Record)]
        for record in records:
            _loaded(record)

    last = _loaded(records[-1])
    assert last is not None
    assert [message.parts for message in last.messages] == [message.parts for message in _intact().messages]


def _intact() -> SourceConversation:
    with tempfile.TemporaryDirectory() as folder:
        [record] = _read([INTACT], Path(folder))
        assert isinstance(record, Record)
        found = _loaded(record)
    assert found is not None
    return found


# What follows from the rest, or must not be taken over.
DERIVABLE = {"children", "user_id", "email", "phone_number"}
MARK = "mark-5f1c"


@pytest.mark.parametrize("name", sorted(CONVERSATIONS))
@pytest.mark.parametrize("wrong", [pytest.param(MARK, id="text"), pytest.param({"a": [MARK]}, id="object")])
def test_what_was_put_anywhere_is_kept_or_reported(name: str, wrong: Any, tmp_path: Path) -> None:
    """Nothing is dropped silently: not even a value of a kind that has never been seen in its place."""
    vanished = []
    for place in places(CONVERSATIONS[name]):
        if not place or DERIVABLE & set(place):
            continue
        [record] = _read([spoilt(CONVERSATIONS[name], place, wrong)], tmp_path)
        assert isinstance(record, Record)
        found = _loaded(record)
        if found is not None and not found.problems and MARK not in repr(found):
            vanished.append(place)

    assert vanished == []


@pytest.mark.parametrize("name", sorted(CONVERSATIONS))
def test_a_missing_key_costs_at_most_its_own_message(name: str, tmp_path: Path) -> None:
    conversation = CONVERSATIONS[name]
    [whole] = _read([conversation], tmp_path)
    assert isinstance(whole, Record)
    before = _loaded(whole)
    assert before is not None
    for place in places(conversation):
        if len(place) < 2:
            continue
        [record] = _read([spoilt(conversation, place, MISSING)], tmp_path)
        assert isinstance(record, Record)
        found = _loaded(record)

        assert found is not None
        assert len(found.messages) >= len(before.messages) - 1


@given(st.sampled_from(sorted(CONVERSATIONS)), st.data())
def test_the_fast_way_reads_what_the_whole_way_reads(name: str, data: st.DataObject) -> None:
    """Which of the two a message takes must not show."""
    nodes = CONVERSATIONS[name]["mapping"]
    key = data.draw(st.sampled_from(sorted(key for key, node in nodes.items() if node["message"])))
    node = nodes[key]
    for _ in range(data.draw(st.integers(0, 2))):
        node = spoilt(node, *data.draw(mutations(node)))
    tree = Tree({key: node}, Problems())
    if key not in tree.nodes:
        return
    model = data.draw(st.sampled_from([None, "gpt-4o", "o3"]))

    plain = plain_message(key, "above", node, model)

    thread = Thread(
        tree=tree, files=FileBook(Assets([], {}), "c"), problems=Problems(), default_model=model, feedback={}
    )
    whole = read_message(key, "above", node, thread)
    assert plain in (None, whole)
    assert plain is None or not thread.problems


def test_most_messages_take_the_fast_way() -> None:
    nodes = CONVERSATIONS["branches/input.json/0"]["mapping"]
    fast = [key for key, node in nodes.items() if node["message"] and plain_message(key, None, node, "gpt-4o")]

    assert len(fast) == 9
