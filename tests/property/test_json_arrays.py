"""Arrays of any shape, cut anywhere, read through windows of any size."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream import array_items, lines, loads
from chatkeep.formats.protocol import Skipped

SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
# Objects that begin alike, as exports have them, nested ones too: what the fast path lives on, and is misled by.
ALIKE = st.builds(
    lambda id, title, nested, more: {"id": id, "title": title, "items": nested, **more},
    st.integers(),
    st.text(alphabet=st.sampled_from('a,}{]["\\:é ')),
    st.lists(st.builds(lambda id, title: {"id": id, "title": title}, st.integers(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(max_size=3), VALUES, max_size=2),
)
ARRAYS = st.lists(ALIKE, max_size=12) | st.lists(VALUES, max_size=8)
WINDOWS = st.sampled_from([1, 2, 7, 64, 500, 1 << 20])


def read(data: bytes, **options: Any) -> list[bytes | Skipped]:
    return [item for _, item in array_items(io.BytesIO(data), **options)]


def whole(items: list[bytes | Skipped]) -> list[bytes]:
    return [item for item in items if isinstance(item, bytes)]


@given(array=ARRAYS, window=WINDOWS, indent=st.sampled_from([None, 0, 2]), escaped=st.booleans())
def test_every_element_is_delivered_as_it_is(array: list[Any], window: int, indent: int | None, escaped: bool) -> None:
    data = json.dumps(array, indent=indent, ensure_ascii=escaped).encode()

    assert [loads(item) for item in whole(read(data, window=window))] == array


@given(array=ARRAYS, before=VALUES, after=VALUES, window=WINDOWS)
def test_an_array_under_keys_is_found_among_others(array: list[Any], before: Any, after: Any, window: int) -> None:
    data = json.dumps({"first": before, "data": {"x": before, "chats": array, "y": after}, "last": after}).encode()

    items = read(data, window=window, path=("data", "chats"))

    assert [loads(item) for item in whole(items)] == array
    assert len(whole(items)) == len(items)


@given(array=st.lists(ALIKE, min_size=1, max_size=6), cut=st.floats(0, 1), window=WINDOWS)
def test_all_whole_elements_before_a_cut_are_delivered_and_the_cut_is_told(
    array: list[Any], cut: float, window: int
) -> None:
    texts = [json.dumps(item) for item in array]
    data = ("[" + ", ".join(texts) + "]").encode()
    kept = data[: 1 + int(cut * (len(data) - 2))]
    ends = [len("[" + ", ".join(texts[:count])) for count in range(1, len(texts) + 1)]

    items = read(kept, window=window)

    assert whole(items) == [text.encode() for text, end in zip(texts, ends, strict=True) if end <= len(kept)]
    assert [type(item) for item in items].count(Skipped) == 1


def test_a_cut_at_every_byte_gives_whole_elements_and_one_report() -> None:
    texts = [json.dumps({"id": n, "title": f"t{n}", "tags": ["a,}{", {"id": 1, "title": "x"}]}) for n in range(4)]
    data = ("[" + ",".join(texts) + "]").encode()
    for cut in range(1, len(data)):
        items = read(data[:cut], window=16)

        count = len(whole(items))
        assert whole(items) == [text.encode() for text in texts[:count]], cut
        assert len(items) == count + 1, cut
        assert count == len(texts) or cut < len("[" + ",".join(texts[: count + 1])), cut


@given(
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    window=st.sampled_from([32, 200, 1 << 20]),
    indent=st.sampled_from([None, 1]),
)
def test_a_damaged_byte_costs_its_element_and_at_most_the_next(
    place: float, byte: int, window: int, indent: int | None
) -> None:
    """But for the first, from which the reader learns what an element looks like."""
    array = [{"id": n, "title": f"title {n}", "items": [{"name": "a", "n": [n]}] * 2} for n in range(8)]
    texts = [json.dumps(item, indent=indent).encode() for item in array]
    data = bytearray(b"[" + b",".join(texts) + b"]")
    at = len(texts[0]) + 2 + int(place * (len(data) - len(texts[0]) - 3))
    ends = [len(b"[" + b",".join(texts[: count + 1])) for count in range(len(texts))]
    hit = next(number for number, end in enumerate(ends) if at <= end)
    data[at] = byte

    got = whole(read(bytes(data), window=window))

    assert [text for n, text in enumerate(texts) if n not in (hit, hit + 1) and text not in got] == []


@given(data=st.binary(max_size=400), window=st.sampled_from([1, 5, 1 << 20]))
def test_garbage_never_raises_anything_else(data: bytes, window: int) -> None:
    for start in (b"", b"[", b'[{"a":1,"b":2},', b'{"x":'):
        try:
            items = read(start + data, window=window)
        except UnreadableSourceError:
            continue
        assert all(isinstance(item, Skipped) or item for item in items)


@given(st.text(alphabet='[]{}",:\\ 1an', max_size=60), st.sampled_from([1, 3, 1 << 20]))
def test_structure_in_disorder_never_raises_anything_else(text: str, window: int) -> None:
    try:
        read(("[" + text).encode(), window=window)
    except UnreadableSourceError as error:
        pytest.fail(f"the array does begin: {error}")


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b""))), st.integers(1, 30))
def test_lines_are_those_between_line_feeds(found: list[bytes], piece: int) -> None:
    data = b"x\n" + b"\n".join(found)

    got = [(number, line) for number, line in lines(io.BytesIO(data), piece=piece)]

    expected = enumerate([b"x", *data[2:].split(b"\n")], start=1)
    assert got == [(n, line.removesuffix(b"\r")) for n, line in expected if line and not line.isspace()]


@given(st.binary(max_size=200))
def test_decoding_gives_a_value_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        loads(data)


@given(VALUES)
def test_decoding_agrees_with_the_standard_library(value: Any) -> None:
    assert loads(json.dumps(value).encode()) == json.loads(json.dumps(value))
