"""Keeping one message's Markdown from reaching over into the next message.

What reaches over is what CommonMark lets run on past blank lines: a code fence without its end, and five kinds of HTML
blocks. At the beginning of a line they surely are such; indented by up to three spaces they may belong to an item of a
list, with which they end. So all possibilities are followed at once.
"""

from __future__ import annotations

import re

_LABELS = "User|System|Assistant|Tool|Error"
_LABEL_LINE = re.compile(rf" {{0,3}}\\*##[ \t]+(?:{_LABELS})(?: \(.*\))?[ \t]*#*\s*")
_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})(.*)")
_LINE_END = re.compile(r"\r\n?")
# CommonMark 4.6, the kinds with an end of their own.
_HTML = re.compile(
    r"( {0,3})<(?:(?P<element>(?:script|pre|style|textarea)(?=[\s>]|$))|(?P<comment>!--)|(?P<instruction>\?)"
    r"|(?P<data>!\[CDATA\[)|(?P<declaration>![A-Za-z]))",
    re.IGNORECASE,
)
_HTML_END = {
    "element": re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE),
    "comment": re.compile("-->"),
    "instruction": re.compile(r"\?>"),
    "data": re.compile(r"\]\]>"),
    "declaration": re.compile(">"),
}

_TAG = re.compile(r" {0,3}</?[A-Za-z]")

_NOTHING = ""
"""The state in which nothing is open; others are a fence's marks, or the name of a kind of HTML."""

_PARAGRAPH = "paragraph"
"""The state inside HTML that ends at the next blank line, as the frame puts one after each text."""


def body(text: str) -> str:
    """A message's text: lines that look like our headings get a backslash, what is left open is closed.

    A text of which cannot be told what it leaves open becomes a block of code as a whole.
    """
    lines = normal_lines(text)
    last_ends = _last_ends(lines)
    states = {_NOTHING}
    for number, line in enumerate(lines):
        html = _HTML.match(line)
        kind = html.lastgroup if html else None
        endless = kind is not None and last_ends.get(kind, -1) < number
        if _NOTHING in states and (endless or _LABEL_LINE.fullmatch(line)):
            shown = line.lstrip(" ")
            lines[number] = line = f"{line[: len(line) - len(shown)]}\\{shown}"
            html = None
        states = {after for state in states for after in _after(state, line, html)}
    left = states - {_NOTHING, _PARAGRAPH}
    if not left:
        return "\n".join(lines)
    if len(left) == len(states) == 1:
        return "\n".join([*lines, *left])
    return fenced("\n".join(normal_lines(text)), "markdown")


def _after(state: str, line: str, html: re.Match[str] | None) -> set[str]:
    """What may be open after a line."""
    if state == _PARAGRAPH:
        return {_PARAGRAPH if line.strip(" \t") else _NOTHING}
    if state in _HTML_END:
        return {_NOTHING if _HTML_END[state].search(line) else state}
    fence = _FENCE.fullmatch(line)
    if state != _NOTHING:
        closes = fence is not None and fence[2].startswith(state) and not fence[3].strip(" \t")
        return {_NOTHING if closes else state}
    if fence is not None and not (fence[2].startswith("`") and "`" in fence[3]):
        return {fence[2], _NOTHING} if fence[1] else {fence[2]}
    if html is not None and html.lastgroup is not None:
        if _HTML_END[html.lastgroup].search(line):
            return {_NOTHING}
        return {html.lastgroup, _NOTHING} if html[1] else {html.lastgroup}
    return {_NOTHING, _PARAGRAPH} if _TAG.match(line) else {_NOTHING}


def _last_ends(lines: list[str]) -> dict[str, int]:
    """By kind of HTML, the last line that holds its end."""
    found: dict[str, int] = {}
    for number in range(len(lines) - 1, -1, -1):
        if ">" in lines[number]:
            for kind, end in _HTML_END.items():
                if kind not in found and end.search(lines[number]):
                    found[kind] = number
            if len(found) == len(_HTML_END):
                break
    return found


def normal_lines(text: str) -> list[str]:
    """The lines of a text, whatever ended them."""
    return _LINE_END.sub("\n", text).split("\n")


def fenced(text: str, language: str = "") -> str:
    """A code block that ends where the text ends, whatever the text holds."""
    marks = "`" * max(3, longest_ticks(text) + 1)
    return f"{marks}{re.sub(r'[^A-Za-z0-9+#._-]', '', language)}\n" + "\n".join([*normal_lines(text), marks])


def longest_ticks(text: str) -> int:
    """Length of the longest run of backticks."""
    return max((len(run) for run in re.findall("`+", text)), default=0)
