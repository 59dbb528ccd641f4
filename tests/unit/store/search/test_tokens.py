"""Words, one example for each rule of docs/search.md."""

from __future__ import annotations

import pytest

from chatkeep.store.search.tokens import phrase, plain, prepare, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, wörld!", ["hello", "world"]),
        ("CAFÉ cafe\u0301", ["cafe", "cafe"]),
        ("straße STRASSE", ["strasse", "strasse"]),
        ("snake_case a.b", ["snake", "case", "a", "b"]),
        ("ＡＢＣ ﬁn x²", ["abc", "fin", "x2"]),
        ("用Python写", ["用", "python", "写"]),
        ("写代码", ["写代", "代码", "码"]),
        ("ﾌﾟﾛ", ["プロ", "ロ"]),
        ("か\u3099", ["が"]),
        ("한국", ["한국", "국"]),
        ("नमस्ते", ["नमस्ते"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("co\u00adoperate", ["cooperate"]),
        ("ship🚀it", ["ship", "🚀", "it"]),
        ("❤️", ["❤"]),
        ("½", ["1", "2"]),
        ("Foo™ … ©", ["foo"]),
        ("a\x00b", ["a", "b"]),
        ("\ud800x", ["x"]),
        ("ᎠᏴ", ["ᎠᏴ"]),
        ("!?", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_ascii_text_is_taken_as_it_is() -> None:
    """That is the fast way: the engine's own tokenizer splits and folds ASCII by the same rules."""
    text = "Any ASCII, UPPER_case: (x)"

    assert prepare(text) is text


@pytest.mark.parametrize(
    ("text", "expected", "prefix"),
    [
        ("写代码", ("写代", "代码"), False),
        ("写", ("写",), True),
        ("写代 python", ("写代", "代", "python"), False),
        ("python 写", ("python", "写"), True),
        ("python", ("python",), False),
        ("", (), False),
    ],
)
def test_a_run_without_spaces_may_go_on_where_a_phrase_ends(text: str, expected: tuple[str, ...], prefix: bool) -> None:
    assert phrase(text) == (expected, prefix)


def test_an_asked_for_prefix_is_kept_only_where_a_word_can_go_on() -> None:
    assert phrase("pyth", prefix=True).prefix
    assert not phrase("写代", prefix=True).prefix
    assert not phrase("🚀", prefix=True).prefix


def test_plain_text_keeps_what_is_no_letter() -> None:
    assert plain("Fóo(Bar) — ß") == "foo(bar) — ss"
