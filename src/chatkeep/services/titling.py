"""A title for a conversation whose source gives none: what its first message begins with."""

from __future__ import annotations

from collections.abc import Iterable

from chatkeep.encoding import clean_text
from chatkeep.formats.protocol import SourceMessage
from chatkeep.model import Text

MAX_CHARS = 60
# So much of a message is looked at: a pasted file of many megabytes is not split into lines for its first.
_LOOKED_AT = 4000


def title_from(messages: Iterable[SourceMessage]) -> str | None:
    """The first line of the first visible user message that says something, cut at a word; None without one.

    Taken from the beginning, which stays the same while a conversation grows: so does a re-import's title.
    """
    for message in messages:
        if message.role == "user" and not message.hidden:
            for part in message.parts:
                if isinstance(part, Text) and (line := _first_line(part.text)):
                    return _cut(line)
    return None


def _first_line(text: str) -> str | None:
    # A line without a letter or digit is a fence or a rule.
    for line in text[:_LOOKED_AT].splitlines():
        cleaned = " ".join(clean_text(line)[0].split())
        if any(character.isalnum() for character in cleaned):
            return cleaned
    return None


def _cut(line: str) -> str:
    if len(line) <= MAX_CHARS:
        return line
    head = line[:MAX_CHARS]
    # Without a space, as in Chinese, or behind a single long word, the cut is where it falls.
    word_end = head.rfind(" ") if not line[MAX_CHARS].isspace() else MAX_CHARS
    return (head[:word_end] if word_end > MAX_CHARS // 2 else head).rstrip(" ,;:-") + "…"
