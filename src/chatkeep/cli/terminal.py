"""Making text from chats safe to print, and fit to read: a stored message must not steer the terminal.

A terminal obeys escape sequences: they can retitle or clear the window, forge output, or write files in some
emulators. Nothing that starts one passes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# C0 but for tab and line feed, DEL, C1; line and paragraph separators; marks and overrides of writing direction, which
# can make text read as what it is not; code points that no text holds.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# The same, where a JSON writer leaves them as they are.
_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")
_CONTROL_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}


def clean(text: str) -> str:
    """Text of any number of lines, with every character that could steer a terminal made visible."""
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n"))


def clean_line(text: str) -> str:
    """The same on one line: runs of white space become one space."""
    return _UNSAFE.sub(_visible, _SPACES.sub(" ", text).strip())


def clean_json(text: str) -> str:
    """JSON text with unsafe characters written as escapes; its value is the same.

    They can stand only inside strings, where an escape means the same character.
    """
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def encoded_json(value: Any) -> bytes:
    """A value as JSON. Halves of characters, as names of files may hold them, become U+FFFD: JSON has none."""
    import msgspec

    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        from chatkeep.encoding import clean_value

        return msgspec.json.encode(clean_value(msgspec.to_builtins(value), {}))


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _CONTROL_PICTURES.get(code) or f"<U+{code:04X}>"


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def counted(count: int, noun: str) -> str:
    """``1 message``, ``2,000 messages``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def sized(count: int) -> str:
    """``512 B``, ``4.1 kB``, ``1.5 GB``: thousands, as disks are sold."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.95:
            break
        size, unit = size / 1000, larger
    return f"{count} B" if unit == "B" else f"{size:,.1f} {unit}"


def shortened(text: str, cells: int) -> str:
    """The beginning of a one-line text, in at most ``cells`` cells; an ellipsis says that something is cut."""
    if len(text) <= cells and width(text) <= cells:
        return text
    used, kept = 1, []
    for character in text:
        used += _cells(character)
        if used > cells:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"
