"""What property tests do not reach: sizes, limits, and what each report says."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator

import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream import array_items, fingerprint, lines, loads
from chatkeep.formats.protocol import Skipped
from chatkeep.formats.values import Problems

MIB = 1024 * 1024


class Synthetic(io.RawIOBase):
    """Bytes that are made while they are read: a big file that takes neither disk nor memory."""

    def __init__(self, head: bytes, filling: int, tail: bytes) -> None:
        self._pieces = self._made(head, filling, tail)
        self._rest = b""

    @staticmethod
    def _made(head: bytes, filling: int, tail: bytes) -> Iterator[bytes]:
        yield head
        block = b"x" * MIB
        for _ in range(filling // MIB):
            yield block
        yield tail

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # any buffer will do
        if not self._rest:
            self._rest = next(self._pieces, b"")
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


class Failing(io.BytesIO):
    """A stream that breaks after its bytes, as one of a damaged archive does."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise UnreadableSourceError("x.json: damaged in the zip")
        return data


def read(data: bytes, **options: object) -> list[bytes | Skipped]:
    return [item for _, item in array_items(io.BytesIO(data), **options)]  # type: ignore[arg-type]  # per test


def peak_of(work: Iterator[tuple[int, bytes | Skipped]]) -> tuple[list[tuple[int, bytes | Skipped]], int]:
    tracemalloc.start()
    try:
        found = list(work)
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_line_of_a_gigabyte_is_reported_and_never_held() -> None:
    stream = io.BufferedReader(Synthetic(b'{"a":1}\n{"b":"', 1024 * MIB, b'"}\n{"c":3}\n'), MIB)

    found, peak = peak_of(lines(stream, limit=8 * MIB, where="big.jsonl"))

    assert found == [
        (1, b'{"a":1}'),
        (2, Skipped("big.jsonl line 2", f"larger than {8 * MIB} bytes")),
        (3, b'{"c":3}'),
    ]
    assert peak < 24 * MIB


def test_an_element_of_a_gigabyte_is_reported_and_never_held() -> None:
    stream = io.BufferedReader(Synthetic(b'[{"a":1,"b":2},{"a":2,"b":"', 1024 * MIB, b'"},{"a":3,"b":4}]'), MIB)

    found, peak = peak_of(array_items(stream, limit=8 * MIB, where="big.json"))

    assert found == [
        (1, b'{"a":1,"b":2}'),
        (2, Skipped("big.json item 2", f"larger than {8 * MIB} bytes")),
        (3, b'{"a":3,"b":4}'),
    ]
    assert peak < 64 * MIB


def test_a_value_of_a_gigabyte_before_the_array_is_passed_over() -> None:
    stream = io.BufferedReader(Synthetic(b'{"x":"', 1024 * MIB, b'","chats":[{"a":1}]}'), MIB)

    found, peak = peak_of(array_items(stream, path=("chats",), limit=8 * MIB))

    assert found == [(1, b'{"a":1}')]
    assert peak < 64 * MIB


def test_memory_is_bounded_by_the_window_not_by_the_file() -> None:
    element = json.dumps({"id": 1, "title": "t", "messages": [{"id": n, "text": "word " * 20} for n in range(50)]})
    data = ("[" + ",".join([element] * 9_000) + "]").encode()

    tracemalloc.start()
    try:
        count = sum(1 for _ in array_items(io.BytesIO(data)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 9_000
    assert peak < 32 * MIB < len(data)


@pytest.mark.parametrize("window", [16, MIB])
def test_elements_that_msgspec_refuses_are_delivered_all_the_same(window: int) -> None:
    """Lone surrogates, NaN and control characters are the decoder's business."""
    items = [b'{"id":1,"t":"\\ud800"}', b'{"id":2,"t":NaN}', b'{"id":3,"t":"\n"}', b'{"id":4,"t":"\xff"}']

    assert read(b"[" + b",".join(items) + b"]", window=window) == items


def test_nesting_that_no_parser_follows_harms_no_other_element() -> None:
    deep = b'{"id":2,"t":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    items = read(b'[{"id":1,"t":0},' + deep + b',{"id":3,"t":0}]')

    assert items == [b'{"id":1,"t":0}', deep, b'{"id":3,"t":0}']
    with pytest.raises(ValueError, match="nested too deeply"):
        loads(deep)


def test_nested_objects_that_begin_like_the_elements_are_no_elements() -> None:
    nested = [{"id": n, "title": f"t{n}", "x": 1} for n in range(40)]
    array = [{"id": n, "title": f"t{n}", "x": 1, "messages": nested} for n in range(20)]

    assert [loads(item) for item in read(json.dumps(array).encode(), window=700) if isinstance(item, bytes)] == array


def test_an_open_string_costs_one_element() -> None:
    items = read(b'[{"id":1,"t":"a"},{"id":2,"t":"a},{"id":3,"t":"c"},{"id":4,"t":"d"}]')

    assert items == [b'{"id":1,"t":"a"}', Skipped("item 2", "cut off: the file ends inside it"), *items[2:]]
    assert items[2:] == [b'{"id":3,"t":"c"}', b'{"id":4,"t":"d"}']


def test_a_stream_that_breaks_gives_what_came_before_and_its_reason() -> None:
    stream = Failing(b'[{"id":1,"t":"a"},{"id":2')

    assert [item for _, item in array_items(stream)] == [
        b'{"id":1,"t":"a"}',
        Skipped("item 2", "x.json: damaged in the zip"),
    ]
    assert list(lines(Failing(b"1\n2"))) == [(1, b"1"), (2, b"2"), (3, Skipped("line 3", "x.json: damaged in the zip"))]


def test_a_stream_that_breaks_after_the_array_is_reported() -> None:
    """An archive knows only at a member's end that its bytes are damaged."""
    assert read(b"[1]") == [b"1"]
    assert [item for _, item in array_items(Failing(b"[1]"))] == [b"1", Skipped("item 2", "x.json: damaged in the zip")]


def test_text_after_the_array_is_reported() -> None:
    assert read(b'[{"a":1}] [{"a":2}]') == [b'{"a":1}', Skipped("item 2", "text after the end of the array")]


@pytest.mark.parametrize("data", [b"", b"   ", b"{}", b'"a"', b"[", b"\xef\xbb\xbf{}"])
def test_what_is_no_array_is_refused_or_told_to_be_cut_off(data: bytes) -> None:
    if data == b"[":
        assert read(data) == [Skipped("item 1", "cut off: the array does not end")]
        return
    with pytest.raises(UnreadableSourceError, match=r"x\.json: not a JSON array"):
        read(data, where="x.json")


@pytest.mark.parametrize("data", [b"{}", b'{"x":1}', b"[]", b'{"chats":{}}', b'{"x":', b'{"x":[}', b'{"x" 1}', b"{,}"])
def test_a_missing_array_under_a_key_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableSourceError, match=r"^x\.json: "):
        read(data, where="x.json", path=("chats",))


def test_a_byte_order_mark_is_no_content() -> None:
    assert read(b"\xef\xbb\xbf[1]") == [b"1"]
    assert list(lines(io.BytesIO(b"\xef\xbb\xbf1\r\n\r\n \n2"))) == [(1, b"1"), (4, b"2")]
    assert loads(b"\xef\xbb\xbf1") == 1


def test_lines_end_at_line_feeds_only() -> None:
    text = '{"a":"\u2028\u0085"}'.encode()

    assert list(lines(io.BytesIO(text + b"\n" + text))) == [(1, text), (2, text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"\\ud83d"', "\ud83d"),
        (b'"\x00"', "\x00"),
        (b"[NaN,Infinity,-Infinity,1e400,-1e400]", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"]),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"9" * 5_000, "9" * 5_000),
        (b'{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_what_others_write_is_decoded_to_values_that_can_be_stored(text: bytes, value: object) -> None:
    assert loads(text) == value


def test_losses_are_reported_with_their_place() -> None:
    problems = Problems("x.json item 1")

    assert loads(b'{"a":"\xff","b":1,"b":NaN}', problems=problems, field="title") == {"a": "\ufffd", "b": "NaN"}
    assert {problem.where for problem in problems.found()} == {"x.json item 1 title"}
    assert len(problems) == 2


@pytest.mark.parametrize("text", [b"", b"{", b"nope", b"[" * 100_000, b'{"secret":"hunter2"'])
def test_what_is_no_json_is_a_value_error_without_content(text: bytes) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the type is the contract, the text is checked below
        loads(text)

    assert "hunter2" not in str(caught.value)


def test_fingerprints_tell_apart_what_differs() -> None:
    base = fingerprint("a", 1, b"xy", b"z")

    assert base == fingerprint("a", 1, b"xy", b"z")
    others = [("a", 1, b"x", b"yz"), ("a", 2, b"xy", b"z"), ("b", 1, b"xy", b"z"), ("a", 1, b"xyz")]
    assert base not in {fingerprint(*other) for other in others}  # type: ignore[arg-type]  # tuples of any length
