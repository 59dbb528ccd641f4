from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.cli.terminal import clean, clean_json, clean_line, shortened, sized, width

ATTACKS = [
    "\x1b[2J",  # clears the screen
    "\x1b]0;owned\x07",  # retitles the window
    "\x1b]52;c;cm0gLXJm\x07",  # writes the clipboard
    "\x9b31m",  # the one-byte form
    "\x90q\x9c",
    "\r overwritten",
    "a\x08\x08",
    "\x7f",
    "\u202egpj.exe",  # reads backwards
    "\u2066x\u2069",
    "\u2028",
    "\x00",
]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (512, "512 B"), (999, "999 B"), (4096, "4.1 kB"), (999_960, "1.0 MB"), (1_500_000_000, "1.5 GB")],
)
def test_sizes_have_units_that_fit(size: int, text: str) -> None:
    assert sized(size) == text


def is_safe(text: str) -> bool:
    return not any(
        (unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") and character not in "\n\t")
        or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        for character in text
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_steers_a_terminal_passes(attack: str) -> None:
    assert is_safe(clean(f"before{attack}after"))
    assert is_safe(clean_line(f"before{attack}after"))
    assert is_safe(clean_json(json.dumps(attack, ensure_ascii=False)))


@given(st.text(alphabet=st.characters(codec=None)))
def test_no_text_is_unsafe_after_cleaning(text: str) -> None:
    assert is_safe(clean(text))
    assert "\n" not in clean_line(text)
    assert "\t" not in clean_line(text)


@given(st.text())
def test_cleaned_json_means_the_same(text: str) -> None:
    cleaned = clean_json(json.dumps({text: [text]}, ensure_ascii=False))

    assert json.loads(cleaned) == {text: [text]}
    assert is_safe(cleaned)


def test_plain_text_of_any_script_is_left_as_it_is() -> None:
    text = "Tea for two:\n\t茶 二杯 🍵 – naïve café, שלום"

    assert clean(text) == text


def test_what_is_removed_is_shown() -> None:
    assert clean("a\x1b[1mb\x9b") == "a␛[1mb<U+009B>"


def test_windows_line_ends_become_plain_ones() -> None:
    assert clean("a\r\nb\rc") == "a\nb␍c"


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("茶", 2), ("🍵", 2), ("e\u0301", 1), ("ﬁ", 1), ("", 0)])
def test_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert shortened("茶茶茶茶", 6) == "茶茶…"


@given(st.text(max_size=60), st.integers(2, 40))
def test_shortened_text_always_fits(text: str, cells: int) -> None:
    assert width(shortened(clean_line(text), cells)) <= cells
