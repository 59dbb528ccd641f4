"""Texts in the places of a document that are not a message's own."""

from __future__ import annotations

import json
import re
from typing import Any

from chatkeep.formats.adapters.markdown.enclosing import longest_ticks, normal_lines
from chatkeep.model import Role

LABELS: dict[Role, str] = {
    "system": "System",
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tool",
    "error": "Error",
}

_UNPLAIN = re.compile(r"[^\w.:+/@-]")


def inline_code(text: str) -> str:
    """One line of code inside a line of text."""
    flat = one_line(text)
    marks = "`" * (longest_ticks(flat) + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{marks}{space}{flat}{space}{marks}"


def one_line(text: str, limit: int = 200) -> str:
    """Text as a single line without control characters, cut if it is long."""
    flat = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def callout(kind: str, heading: str, content: str) -> str:
    """A folded box; plain Markdown shows it as a quotation."""
    lines = [f"> [!{kind}]- {heading}"]
    lines += [f"> {line}" if line else ">" for line in normal_lines(content) if content]
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
