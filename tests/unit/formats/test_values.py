"""Values of unknown shape: taken if they say it, reported if they do not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.formats import values
from chatkeep.formats.protocol import Skipped
from chatkeep.formats.values import Fields, Problems

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (values.text, "a", "a"),
        (values.text, 5, "5"),
        (values.text, 0.5, "0.5"),
        (values.text, True, "true"),
        (values.integer, 7, 7),
        (values.integer, "7", 7),
        (values.integer, 7.0, 7),
        (values.integer, -(2**63), -(2**63)),
        (values.number, "0.5", 0.5),
        (values.number, 3, 3.0),
        (values.boolean, True, True),
        (values.boolean, 0, False),
        (values.boolean, "TRUE", True),
        (values.time_from_seconds, 1.5, datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
        (values.time_from_seconds, "1700000000.123457", datetime(2023, 11, 14, 22, 13, 20, 123457, tzinfo=UTC)),
        (values.time_from_ms, 1_500, datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
        (values.time_from_ms, -1, datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
        (values.time_from_iso, "2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (values.time_from_iso, "2024-01-02T03:04:05+01:00", datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC)),
    ],
)
def test_what_says_it_is_taken(reader: object, value: object, expected: object) -> None:
    problems = Problems()

    assert reader(value, problems, "x") == expected  # type: ignore[operator]  # one of the readers
    assert problems.found() == ()


@pytest.mark.parametrize(
    ("reader", "wrong"),
    [
        (values.text, [[], {}, 2**64]),
        (values.integer, [True, "x", 1.5, 2**63, "1e99999999", NAN, INF, [], "１", "1_0"]),
        (values.number, [True, "x", NAN, INF, "1e999", {}, "NaN", "9" * 1_000]),
        (values.boolean, [2, "yes", [], NAN]),
        (values.time_from_seconds, [True, "x", NAN, INF, 1e18, -1e18, "1e400", []]),
        (values.time_from_ms, [10**30, "later", {}]),
        (values.time_from_iso, [5, "x", "9999-12-31T23:59:59-23:00", "2024-13-01"]),
    ],
)
def test_what_does_not_is_none_and_a_problem(reader: object, wrong: list[object]) -> None:
    for value in wrong:
        problems = Problems("item 1")

        assert reader(value, problems, "x") is None, value  # type: ignore[operator]  # one of the readers
        assert [problem.where for problem in problems.found()] == ["item 1 x"], value


@pytest.mark.parametrize("value", [None, "", 0, [], {}, "x"])
def test_containers_are_never_none(value: object) -> None:
    assert values.mapping(value, Problems(), "x") == {}
    assert values.listing(value, Problems(), "x") == []


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3))
def test_no_value_makes_a_reader_raise(value: object) -> None:
    for name in ("text", "integer", "number", "boolean", "mapping", "listing"):
        getattr(values, name)(value, Problems(), "x")
    for name in ("time_from_seconds", "time_from_ms", "time_from_iso"):
        getattr(values, name)(value, Problems(), "x")


def test_problems_hold_no_value() -> None:
    problems = Problems()
    values.integer("hunter2", problems, "password")

    assert "hunter2" not in str(problems.found())


def test_problems_are_bounded_and_counted() -> None:
    problems = Problems("x.json item 1", limit=2)
    deeper = problems.at("message 3")
    for number in range(5):
        deeper.add(f"f{number}", "wrong")

    assert problems.found() == (
        Skipped("x.json item 1 message 3 f0", "wrong"),
        Skipped("x.json item 1 message 3 f1", "wrong"),
        Skipped("x.json item 1", "and 3 more problems"),
    )
    assert len(problems) == 5


def test_the_rest_of_an_object_is_what_nobody_used_and_says_something() -> None:
    fields = Fields({"a": 1, "b": [1], "c": None, "d": "", "e": False, "f": 0, "secret": "x"}, Problems())
    fields.integer("a")
    fields.text("b")
    fields.ignore("secret")

    assert fields.rest() == {"b": [1], "e": False, "f": 0}


def test_an_object_that_is_none_has_no_fields_and_is_reported() -> None:
    problems = Problems("item 1")
    fields = Fields("text", problems, "author")

    assert fields.text("role") is None
    assert fields.fields("meta").listing("x") == []
    assert [problem.where for problem in problems.found()] == ["item 1 author"]
