"""Claude Code logs with anything in any place: the other lines still give their messages."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.formats.adapters import claude_code
from chatkeep.formats.protocol import Record, SourceConversation
from chatkeep.formats.sources import open_source
from tests.property.mutation import MISSING, Place, mutations, places, spoilt

INPUT = Path(__file__).parent.parent / "golden" / "claude-code" / "config" / "input"
(LOG,) = (path for path in INPUT.rglob("*0001.jsonl"))
LINES: list[str] = LOG.read_text("utf-8").splitlines()
OBJECTS: list[int] = [
    index for index, line in enumerate(LINES) if line.endswith("}") and isinstance(json.loads(line), dict)
]
HISTORY: list[str] = (INPUT / "history.jsonl").read_text("utf-8").splitlines()


def read(name: str, lines: list[str]) -> list[SourceConversation | None]:
    found: list[SourceConversation | None] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text("\n".join(lines) + "\n", "utf-8")
        with open_source(path) as source:
            for item in claude_code.read(source):
                if isinstance(item, Record):
                    try:
                        loaded = item.load()
                    except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
                        found.append(None)
                        continue
                    assert isinstance(loaded, SourceConversation)
                    for attachment in loaded.attachments:
                        if attachment.open is not None:
                            attachment.open().close()
                    found.append(loaded)
    return found


(WHOLE,) = read(LOG.name, LINES)
assert WHOLE is not None
WHOLE_MESSAGES = WHOLE.messages


def line_mutations(lines: list[str], indexes: list[int]) -> st.SearchStrategy[tuple[int, Place, Any]]:
    return st.sampled_from(indexes).flatmap(
        lambda index: mutations(json.loads(lines[index])).map(lambda found: (index, *found))
    )


def told(index: int, place: Place, wrong: Any) -> bool:
    """Whether a line that lost its kind is one that may leave no message behind and no problem either."""
    return place in {("type",), ("uuid",), ("message", "id"), ()} or wrong is MISSING


@given(line_mutations(LINES, OBJECTS))
def test_a_spoilt_line_costs_no_other_line_its_message(mutation: tuple[int, Place, Any]) -> None:
    index, place, wrong = mutation
    lines = list(LINES)
    lines[index] = json.dumps(spoilt(json.loads(lines[index]), place, wrong))

    (found,) = read(LOG.name, lines)

    assert found is not None
    ids = {message.source_id for message in found.messages}
    own = json.loads(LINES[index])
    expected = {message.source_id for message in WHOLE_MESSAGES} - {own.get("uuid")}
    merged = {item for message in found.messages for item in message.extra.get("mergedUuids", ())}
    assert expected <= ids | merged
    assert len(ids) == len(found.messages)
    if len(found.messages) < len(WHOLE_MESSAGES):
        assert found.problems or told(index, place, wrong)


@given(line_mutations(HISTORY, list(range(len(HISTORY)))))
def test_a_spoilt_prompt_costs_no_other_prompt(mutation: tuple[int, Place, Any]) -> None:
    index, place, wrong = mutation
    lines = list(HISTORY)
    lines[index] = json.dumps(spoilt(json.loads(lines[index]), place, wrong))

    found = read("history.jsonl", lines)

    assert sum(len(item.messages) for item in found if item is not None) >= len(HISTORY) - 1


@given(st.sampled_from(OBJECTS), st.integers(0, 2**20))
def test_a_log_cut_anywhere_gives_what_stands_before(index: int, cut: int) -> None:
    """As a copy made while the program was writing."""
    lines = [*LINES[:index], LINES[index][: cut % len(LINES[index])]]

    found = read(LOG.name, lines)

    before = {json.loads(line).get("uuid") for line in LINES[:index] if line.startswith('{"parentUuid"')}
    ids = {message.source_id for item in found if item is not None for message in item.messages}
    assert ids <= before | {message.source_id for message in WHOLE_MESSAGES}
    assert {message.source_id for message in WHOLE_MESSAGES} & before <= ids


def test_the_sample_has_places_of_every_kind() -> None:
    """The properties say little if they mutate little."""
    assert sum(len(places(json.loads(LINES[index]))) for index in OBJECTS) > 500
