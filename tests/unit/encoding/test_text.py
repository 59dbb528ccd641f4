"""Text that cannot be stored is replaced without losing anything beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chatkeep.encoding import storable
from chatkeep.model import Conversation

START = datetime(2026, 1, 1, tzinfo=UTC)


def _conversation(**fields: Any) -> Conversation:
    return Conversation(id="c", created_at=START, updated_at=START, **fields)


@pytest.mark.parametrize(("ours", "kept"), [({"stand_in": True}, {"stand_in": True}), (5, {"found": 5}), (None, {})])
def test_other_notes_of_ours_stay(ours: Any, kept: dict[str, Any]) -> None:
    """A stand-in whose title holds a NUL is a stand-in still."""
    cleaned = storable(_conversation(title="a\0", extra={} if ours is None else {"chatkeep": ours}))

    assert cleaned.extra["chatkeep"] == {**kept, "replaced_characters": {"/title": [[1, "\\u0000"]]}}


def test_keys_that_become_alike_keep_their_values() -> None:
    keys = ["\0", chr(0xD800), "\ufffd", "fine"]
    cleaned = storable(_conversation(extra={"app": {key: place for place, key in enumerate(keys, start=1)}}))

    assert sorted(cleaned.extra["app"].values()) == [1, 2, 3, 4]
    assert cleaned.extra["app"]["\ufffd"] == 3
    assert cleaned.extra["chatkeep"]["replaced_characters"] == {
        "/extra/app/\ufffd~2/(key)": [[0, "\\u0000"]],
        "/extra/app/\ufffd~3/(key)": [[0, "\\ud800"]],
    }


def test_many_keys_that_become_alike_take_no_longer() -> None:
    """Made to be slow: without counting, each would be compared with all before it."""
    keys = [format(number, "016b").replace("0", "\0").replace("1", "\ud800") for number in range(20_000)]

    assert len(storable(_conversation(extra=dict.fromkeys(keys, "x"))).extra) == len(keys) + 1
