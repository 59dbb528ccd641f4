"""The query language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatkeep.model import to_us
from chatkeep.store.search.query import MAX_TERMS, Filters, Query, parse


def shape(query: Query) -> list[list[str]]:
    return [[" ".join(term.words) + ("*" if term.prefix else "") for term in group] for group in query.groups]


def us(year: int, month: int = 1, day: int = 1) -> int:
    return to_us(datetime(year, month, day, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two words", [["two"], ["words"]]),
        ('"two words"', [["two words"]]),
        ('"never closed', [["never closed"]]),
        ("foo-bar", [["foo bar"]]),
        ("one OR two three", [["one", "two"], ["three"]]),
        ("OR one OR", [["one"]]),
        ("or one", [["or"], ["one"]]),
        ("begin*", [["begin*"]]),
        ('"two wor"*', [["two wor*"]]),
        ("same same", [["same"]]),
        ("see:this http://x.org", [["see this"], ["http x org"]]),
        ("role:boss", [["role boss"]]),
        ("before:lunch", [["before lunch"]]),
        ("--verbose", [["verbose"]]),
        ("a - b", [["a"], ["b"]]),
        ('say"what"', [["say"], ["what"]]),
    ],
)
def test_text(text: str, expected: list[list[str]]) -> None:
    assert shape(parse(text)) == expected


def test_what_must_not_be_found() -> None:
    query = parse('wanted -not -"a phrase" x-y')

    assert shape(query) == [["wanted"], ["x y"]]
    assert [term.words for term in query.excluded] == [("not",), ("a", "phrase")]


def test_filters_of_every_kind() -> None:
    query = parse(
        'role:user ROLE:Assistant -role:tool model:gpt-4 project:"My work" tag:a -tag:b source:claude has:tool in:title'
    )

    assert query.groups == ()
    assert query.filters == Filters(
        role=("user", "assistant"),
        not_role=("tool",),
        model=("gpt-4",),
        project=("My work",),
        tag=("a",),
        not_tag=("b",),
        source=("claude",),
        has=("tool",),
        messages=False,
    )


@pytest.mark.parametrize(
    ("text", "after", "before"),
    [
        ("after:2025", us(2025), None),
        ("before:2025-03", None, us(2025, 3)),
        ("after:2025-03-01 before:2025-3-2", us(2025, 3, 1), us(2025, 3, 2)),
        ("after:2025-03-01T00:00:00+01:00", us(2025, 3, 1) - 3_600_000_000, None),
        ("after:2024 after:2025 before:2027 before:2026", us(2025), us(2026)),
        ("-before:2025", us(2025), None),
    ],
)
def test_times(text: str, after: int | None, before: int | None) -> None:
    filters = parse(text).filters

    assert (filters.after_us, filters.before_us) == (after, before)


@pytest.mark.parametrize("text", ["after:2025-13", "after:2025-02-30", "after:0000", "before:99999"])
def test_a_time_that_is_none_is_text(text: str) -> None:
    query = parse(text)

    assert query.groups
    assert query.filters == Filters()


@pytest.mark.parametrize("text", ["", "   ", "!!! ...", '"', '""', "OR"])
def test_a_query_without_words_and_filters_asks_for_nothing(text: str) -> None:
    assert parse(text).is_empty


def test_only_what_must_not_be_found_asks_for_the_rest() -> None:
    assert not parse("-foo").is_empty
    assert not parse("!!! role:user").is_empty


def test_a_substring_keeps_its_punctuation() -> None:
    query = parse("in:substring f(X -y)")

    assert query.substring
    assert [[term.text for term in group] for group in query.groups] == [["f(x"]]
    assert [term.text for term in query.excluded] == ["y)"]


def test_the_terms_of_a_query_are_bounded() -> None:
    query = parse(" ".join(f"w{n}" for n in range(MAX_TERMS + 500)))

    assert len(query.groups) == MAX_TERMS
