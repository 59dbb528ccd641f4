"""Claude.ai exports with anything in any place: one record may suffer, never silently, and never its neighbours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given

from chatkeep.formats.adapters import claude
from chatkeep.formats.protocol import Record, SourceConversation
from chatkeep.formats.sources import open_source
from tests.property.mutation import Place, mutations, spoilt

GOLDEN = Path(__file__).parent.parent / "golden" / "claude"
EXPORT: list[Any] = json.loads((GOLDEN / "export" / "input" / "conversations.json").read_text("utf-8"))
CAPTURE: dict[str, Any] = json.loads((GOLDEN / "capture" / "input.json").read_text("utf-8"))
DESIGN: dict[str, Any] = json.loads((GOLDEN / "export" / "input" / "design_chats" / "d1.json").read_text("utf-8"))
NEIGHBOUR = EXPORT[1]


def outcomes(data: Any) -> Iterator[SourceConversation | None]:
    """What each record gives; None for one that says it cannot be read, as the contract allows."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "conversations.json"
        path.write_text(json.dumps(data), "utf-8")
        with open_source(path) as source:
            for item in claude.read(source):
                if isinstance(item, Record):
                    try:
                        found = item.load()
                    except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
                        yield None
                        continue
                    assert isinstance(found, SourceConversation)
                    yield _opened(found)


def _opened(found: SourceConversation) -> SourceConversation:
    for attachment in found.attachments:
        if attachment.open is not None:
            with attachment.open() as stream:
                stream.read()
    known = {attachment.source_id for attachment in found.attachments}
    for message in found.messages:
        referred = {getattr(part, "attachment_id", None) for part in message.parts} - {None}
        assert referred <= known
    assert len({message.source_id for message in found.messages}) == len(found.messages)
    return found


def check(original: Any, mutation: tuple[Place, Any]) -> None:
    place, wrong = mutation
    first, neighbour = outcomes([spoilt(original, place, wrong), NEIGHBOUR])
    (whole,) = outcomes([NEIGHBOUR])

    assert neighbour is not None
    assert whole is not None
    assert neighbour.messages == whole.messages
    if first is not None:
        (before,) = outcomes([original])
        assert before is not None
        lost = len(first.messages) < len(before.messages)
        # An emptied list is nothing wrong in itself; whatever else takes messages away is told.
        assert not lost or first.problems or (place and place[0] == "chat_messages") or place[:1] == ("messages",)


@given(mutations(EXPORT[0]))
def test_a_spoilt_conversation_harms_nobody(mutation: tuple[Place, Any]) -> None:
    check(EXPORT[0], mutation)


@given(mutations(CAPTURE))
def test_a_spoilt_capture_harms_nobody(mutation: tuple[Place, Any]) -> None:
    check(CAPTURE, mutation)


@given(mutations(DESIGN))
def test_a_spoilt_design_chat_harms_nobody(mutation: tuple[Place, Any]) -> None:
    check(DESIGN, mutation)


@given(mutations(EXPORT[0]["chat_messages"][1]["content"]))
def test_a_spoilt_block_harms_no_other_message(mutation: tuple[Place, Any]) -> None:
    """What a block says is at most kept raw; the other messages stay as they are."""
    original = EXPORT[0]
    changed = spoilt(
        original, ("chat_messages", 1, "content"), spoilt(original["chat_messages"][1]["content"], *mutation)
    )
    before, after = next(outcomes([original])), next(outcomes([changed]))

    assert before is not None
    assert after is not None
    assert [m for m in after.messages if m.source_id != before.messages[1].source_id] == [
        m for index, m in enumerate(before.messages) if index != 1
    ]
