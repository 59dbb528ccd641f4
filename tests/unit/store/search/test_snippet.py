"""Snippets: the right place, what is marked, and how long it takes."""

from __future__ import annotations

import time

import pytest

from chatkeep.store.search.query import Term, parse
from chatkeep.store.search.snippet import WIDTH, cut


def terms(query: str) -> list[Term]:
    return [term for group in parse(query).groups for term in group]


def marked(text: str, query: str) -> list[str]:
    snippet = cut(text, terms(query))
    return [snippet.text[start:end] for start, end in snippet.marks]


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("The quick brown fox", "QUICK fox", ["quick", "fox"]),
        ("Le café près", "cafe pres", ["café", "près"]),
        ("brown bear, brown fox", '"brown fox"', ["brown fox"]),
        ("prefixes prefer", "pref*", ["prefixes", "prefer"]),
        ("café prefixes", "pref*", ["prefixes"]),
        ("我用Python写代码", "写代码", ["写代码"]),
        ("我用Python写代码", "python 用", ["用Python"]),
        ("ship it 🚀 now", "🚀", ["🚀"]),
        ("foobar", "foo", []),
        ("ﬁnal naïve", "final", ["ﬁnal"]),
        ("snake_case_name", "case", ["case"]),
    ],
)
def test_marks(text: str, query: str, expected: list[str]) -> None:
    assert marked(text, query) == expected


def test_the_place_with_most_words_is_shown() -> None:
    text = "apple " + "filler " * 100 + "apple pear " + "filler " * 100

    snippet = cut(text, terms("apple pear"))

    assert "apple pear" in snippet.text
    assert snippet.text.startswith("…")
    assert snippet.text.endswith("…")
    assert len(snippet.text) <= WIDTH + 2


def test_whitespace_is_joined_and_marks_move_along() -> None:
    snippet = cut("a\n\n\n   b\tneedle", terms("needle"))

    assert snippet.text == "a b needle"
    assert snippet.marks == ((4, 10),)


def test_without_a_find_the_beginning_is_shown() -> None:
    assert cut("word " * 100, []).text.startswith("word word")
    assert cut("", terms("x")).text == ""


@pytest.mark.parametrize("unit", ["needle ", "nadel wörd ", "针", "a" * 50, "é", " "])
def test_a_text_of_a_megabyte_takes_time_in_proportion(unit: str) -> None:
    """Ten times the text must not take a hundred times as long; the bound is far above the machine's noise."""
    small, large = unit * (100_000 // len(unit)), unit * (1_000_000 // len(unit))
    asked = terms('needle wörd 针 "针 needle" a* "needle needle needle"')

    start = time.perf_counter()
    cut(small, asked)
    middle = time.perf_counter()
    cut(large, asked)

    assert time.perf_counter() - middle < 40 * (middle - start) + 1.0
