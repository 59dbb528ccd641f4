"""Keeping one message's text from being taken for the frame around it."""

from __future__ import annotations

import json
import re
from typing import Any

from chatkeep.model import Role

LABELS: dict[Role, str] = {
    "system": "System",
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tool",
    "error": "Error",
}

_LABEL_LINE = re.compile(rf"\\*## (?:{'|'.join(LABELS.values())})(?: \(.*\))?\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
# The kinds of HTML blocks (CommonMark 4.6) that go on until their own end, blank lines or not.
_HTML_BLOCK = re.compile(
    r" {0,3}<(?:(?P<element>(?:script|pre|style|textarea)(?=[\s>]|$))|(?P<comment>!--)|(?P<instruction>\?)"
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
_TICKS = re.compile(r"`+")
_LINE_END = re.compile(r"\r\n?")
_UNPLAIN = re.compile(r"[^\w.:+/@-]")


def body(text: str) -> str:
    """A message's text: lines that look like our headings get a backslash, what is left open is closed.

    A code fence or a block of HTML without an end would swallow every message after it.
    """
    lines = _LINE_END.sub("\n", text).split("\n")
    fence: str | None = None
    for number, line in enumerate(lines):
        marker = _FENCE.fullmatch(line)
        if fence is not None:
            if marker and marker[1].startswith(fence) and not marker[2].strip():
                fence = None
        elif marker and not (marker[1].startswith("`") and "`" in marker[2]):
            fence = marker[1]
        elif _LABEL_LINE.fullmatch(line) or _is_endless(lines, number):
            lines[number] = f"\\{line.lstrip(' ')}"
    return "\n".join(lines if fence is None else [*lines, fence])


def _is_endless(lines: list[str], number: int) -> bool:
    """Whether a line begins a block of HTML that ends nowhere in the text."""
    begin = _HTML_BLOCK.match(lines[number])
    if begin is None or begin.lastgroup is None:
        return False
    end = _HTML_END[begin.lastgroup]
    # From the last line backwards: where there is an end, it is mostly near one.
    return not any(end.search(lines[at]) for at in range(len(lines) - 1, number - 1, -1))


def fenced(text: str, language: str = "") -> str:
    """A code block that ends where the text ends, whatever the text holds."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{re.sub(r'[^A-Za-z0-9+#._-]', '', language)}\n{_LINE_END.sub(chr(10), text)}\n{marks}"


def inline_code(text: str) -> str:
    """One line of code inside a line of text."""
    flat = one_line(text)
    longest = max((len(run) for run in _TICKS.findall(flat)), default=0)
    marks = "`" * (longest + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{marks}{space}{flat}{space}{marks}"


def one_line(text: str, limit: int = 200) -> str:
    """Text as a single line without control characters, cut if it is long."""
    flat = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def callout(kind: str, heading: str, content: str) -> str:
    """A folded box; plain Markdown shows it as a quotation."""
    lines = [f"> [!{kind}]- {heading}"]
    lines += [f"> {line}" if line else ">" for line in _LINE_END.sub("\n", content).split("\n") if content]
    return "\n".join(lines)


def plain(value: str) -> str:
    """An id or time as it may stand inside a comment of ours."""
    return _UNPLAIN.sub("_", value).replace("--", "-_")[:200]


def yaml_text(text: str) -> str:
    """A YAML string, always quoted."""
    quoted = json.dumps(text, ensure_ascii=False)
    # Line ends to YAML, not to JSON; and what no terminal should be sent.
    return "".join(
        char if char.isprintable() else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else "" for char in quoted
    )


def json_text(value: Any) -> str:
    """Any JSON value, readable."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
