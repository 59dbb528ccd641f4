"""A LiteChat export with one spoilt place: nothing else is lost, nothing vanishes unreported, nothing crashes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters import litechat
from chatkeep.formats.protocol import NotImported, Record, Skipped, SourceConversation
from chatkeep.formats.sources import open_source
from tests.property.mutation import Place, mutations, places, spoilt

GOLDEN = Path(__file__).parents[1] / "golden" / "litechat"
FULL = json.loads((GOLDEN / "full-export" / "input.json").read_text("utf-8"))
TREE = json.loads((GOLDEN / "project-tree" / "input.json").read_text("utf-8"))
THREADS = json.loads((GOLDEN / "threads" / "input.json").read_text("utf-8"))
MARK = "mark-5f1c"
# Never kept.
SECRET = {"apiKey"}


def _without_faults() -> Any:
    """The conversation of all kinds of turns, without those that are damaged on purpose."""
    clean = json.loads(json.dumps(THREADS))
    faulty = {"lost", "circle-1", "circle-2"}
    clean["interactions"] = [turn for turn in clean["interactions"] if turn["id"] not in faulty]
    for turn in clean["interactions"]:
        metadata = (turn["prompt"] or {}).get("metadata", {})
        del metadata.get("attachedFiles", [])[2:]
        turn["metadata"]["toolCalls"] = [call for call in turn["metadata"]["toolCalls"] if call != "not json"]
    return clean


CLEAN = _without_faults()


def _read(value: Any, folder: Path) -> list[Record | Skipped | NotImported]:
    path = folder / "export.json"
    path.write_text(json.dumps(value), "utf-8")
    with open_source(path) as source:
        found = []
        for item in litechat.read(source):
            found.append(item)
            if isinstance(item, Record):
                _loaded(item)
        return found


def _loaded(record: Record) -> SourceConversation | None:
    """None if it cannot be read at all, which the contract allows to be said in these ways only."""
    try:
        found = record.load()
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
        return None
    assert isinstance(found, SourceConversation)
    return found


@given(st.sampled_from([FULL, TREE, THREADS]).flatmap(lambda value: st.tuples(st.just(value), mutations(value))))
def test_no_spoilt_place_raises_anything_but_what_is_documented(drawn: tuple[Any, tuple[Place, Any]]) -> None:
    value, (place, wrong) = drawn
    with tempfile.TemporaryDirectory() as folder:
        try:
            _read(spoilt(value, place, wrong), Path(folder))
        except UnreadableSourceError:
            # A file that no longer looks like an export; only what makes it one may cost the whole of it.
            assert len(place) <= 1


@given(mutations(THREADS))
def test_one_spoilt_place_harms_no_other_conversation(drawn: tuple[Place, Any]) -> None:
    intact = {"conversation": {"id": "intact", "title": "Whole"}, "interactions": THREADS["interactions"][:1]}
    place, wrong = drawn
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        path.write_text(
            json.dumps([{"conversation": {"id": "a"}, "interactions": []}, spoilt(THREADS, place, wrong), intact])
        )
        with open_source(path) as source:
            *_, last = litechat.read(source)
            assert isinstance(last, Record)
            found = _loaded(last)

    assert found is not None
    assert [len(message.parts) for message in found.messages] == [1, 1]


@pytest.mark.parametrize("wrong", [pytest.param(MARK, id="text"), pytest.param({"a": [MARK]}, id="object")])
def test_what_was_put_anywhere_is_kept_or_reported(wrong: Any, tmp_path: Path) -> None:
    """Nothing is dropped silently: not even a value of a kind that has never been seen in its place."""
    vanished = []
    for place in places(CLEAN):
        if len(place) < 2 or SECRET & set(place):
            continue
        path = tmp_path / "export.json"
        path.write_text(json.dumps(spoilt(CLEAN, place, wrong)), "utf-8")
        with open_source(path) as source:
            [item] = litechat.read(source)
            found = _loaded(item) if isinstance(item, Record) else None
            if found is not None and not _tells(found):
                vanished.append(place)

    assert vanished == []


def _tells(found: SourceConversation) -> bool:
    if found.problems or MARK in repr(found):
        return True
    return any(MARK.encode() in a.open().read() for a in found.attachments if a.open is not None)
