"""STYLE, types: a check that is switched off names which one, and why."""

from __future__ import annotations

import io
import re
import tokenize

from tests.style.tree import label, python_files

_EXEMPTION = re.compile(
    r"#\s*(?:"
    r"type:\s*ignore(?P<type_codes>\[[a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*\])?"
    r"|(?:(?:ruff|flake8):\s*)?noqa(?P<lint_codes>:\s*[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)?"
    r")(?P<reason>.*)$"
)
_WORD = re.compile(r"[A-Za-z]{2,}")


def bad_exemptions(name: str, source: str) -> list[str]:
    """A complaint for each exemption without a code, or without a reason of two words on its line."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or not (match := _EXEMPTION.search(token.string)):
            continue
        if not (match["type_codes"] or match["lint_codes"]):
            found.append(f"{name}:{token.start[0]}: {match[0]!r} names no code")
        elif len(_WORD.findall(match["reason"])) < 2:
            found.append(f"{name}:{token.start[0]}: {match[0]!r} gives no reason after its code")
    return found


def test_every_exemption_has_a_code_and_a_reason() -> None:
    files = python_files("src", "tests", "benchmarks", "scripts")

    assert [complaint for file in files for complaint in bad_exemptions(label(file), file.read_text("utf-8"))] == []


def test_exemptions_without_code_or_reason_are_found() -> None:
    for comment in (
        "# type: ignore",
        "# type: ignore[arg-type]",
        "# noqa",
        "# noqa: E501",
        "# noqa: E501, S608 -",
        "# ruff: noqa",
        "# ruff: noqa: E501",
        "# an aside  # noqa: BLE001",
    ):
        assert len(bad_exemptions("a.py", f"x = 1  {comment}\n")) == 1, comment


def test_exemptions_with_a_reason_and_other_comments_pass() -> None:
    for comment in (
        "# type: ignore[arg-type]  # the stub of apsw is wrong here",
        "# noqa: S608 - names come from our own declarations",
        "# noqa: E501, S608 - a table of literals",
        "# a word about noise",
    ):
        assert bad_exemptions("a.py", f"x = 1  {comment}\n") == [], comment


def test_text_that_looks_like_an_exemption_is_none() -> None:
    assert bad_exemptions("a.py", 'x = "# noqa"\n') == []
