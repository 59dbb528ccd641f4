"""Members of a JSON object, whatever its size and wherever it breaks off."""

from __future__ import annotations

import io
import json

import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream import loads, object_members, objects

VALUE = {"a": 1, "b": 'x"]}é\ud83c', "c": [{"q": "]"}], "d": {"e": {}}, "f": None, "g": -1.5e3, "": [], "h": "\\"}
RAW = json.dumps(VALUE, indent=1).encode()


def members(raw: bytes, hold: int = 1 << 20) -> dict[str, bytes | None]:
    return dict(object_members(io.BytesIO(raw), hold=hold))


@pytest.mark.parametrize("window", [8, 9, 50, 1 << 20])
def test_every_member_is_given_whatever_the_pieces(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_WINDOW_BYTES", window)

    assert {key: loads(raw or b"") for key, raw in members(RAW).items()} == VALUE


def test_a_byte_order_mark_and_no_members_are_fine() -> None:
    assert members(b"\xef\xbb\xbf { } ") == {}


@pytest.mark.parametrize("window", [16, 1 << 20])
def test_values_beyond_the_limit_are_named_and_not_held(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_WINDOW_BYTES", window)

    assert members(b'{"big": "' + b"x" * 5000 + b'", "small": [1]}', hold=100) == {"big": None, "small": b"[1]"}


def test_a_cut_anywhere_is_told_after_the_members_before_it() -> None:
    for cut in range(len(RAW)):
        seen: dict[str, bytes | None] = {}
        with pytest.raises(UnreadableSourceError):
            seen.update(object_members(io.BytesIO(RAW[:cut]), hold=1 << 20))

        assert list(seen) == list(VALUE)[: len(seen)]


@pytest.mark.parametrize("raw", [b"", b"[1]", b"text", b'{"a": ]}', b"{1: 2}"])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableSourceError):
        members(raw)
