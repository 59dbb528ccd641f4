"""What a query must find, by reading every text: docs/search.md written down a second time, without an index."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

_PAIRED_BLOCKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul Jamo
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3040, 0x312F),  # Kana, Bopomofo
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),  # Han
    (0xA960, 0xA97F),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFF),
)
_DROPPED = {0xAD, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x640, 0x670, 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7}


class Unit(NamedTuple):
    """A word, or one character of a run of a script without spaces."""

    text: str
    opens: bool
    """Whether its word or run begins here."""
    closes: bool
    is_paired: bool


def units(text: str) -> list[Unit]:
    """The units of a text in order."""
    found: list[Unit] = []
    run: list[str] = []
    for char in _letters(text) + " ":
        if run and (char == " " or _is_pictograph(char) or _is_paired(char) != _is_paired(run[-1])):
            if _is_paired(run[-1]):
                last = len(run) - 1
                found += [Unit(c, i == 0, i == last, is_paired=True) for i, c in enumerate(run)]
            else:
                found.append(Unit("".join(run), opens=True, closes=True, is_paired=False))
            run = []
        if _is_pictograph(char):
            found.append(Unit(char, opens=True, closes=True, is_paired=False))
        elif char != " ":
            run.append(char)
    return found


def holds(text: list[Unit], wanted: str, *, prefix: bool = False) -> bool:
    """Whether the units of a text hold a word or phrase; never if that has no units."""
    phrase = units(wanted)
    if not phrase:
        return False
    last = len(phrase) - 1
    may_go_on = prefix and not phrase[last].is_paired and not _is_pictograph(phrase[last].text[0])

    def fits(at: int) -> bool:
        for i, want in enumerate(phrase):
            have = text[at + i]
            same = have.text.startswith(want.text) if may_go_on and i == last else have.text == want.text
            if not same or have.is_paired != want.is_paired:
                return False
            # A run may go on before and after the phrase, but not inside it.
            if (i > 0 and have.opens != want.opens) or (i < last and have.closes != want.closes):
                return False
        return True

    return any(fits(at) for at in range(len(text) - last))


def _letters(text: str) -> str:
    """Folded characters, with a space for whatever is no part of a word."""
    out = []
    for char in unicodedata.normalize("NFC", text):
        code = ord(char)
        if _is_dropped(code):
            continue
        if _is_pictograph(char):
            out.append(char)
        elif not _is_letter(char):
            out.append(" ")
        else:
            bare = unicodedata.normalize("NFKD", char)
            bare = "".join(c for c in bare if not _is_dropped(ord(c))).casefold()
            bare = unicodedata.normalize("NFKD", bare)
            out += [c if _is_letter(c) else " " for c in bare if not _is_dropped(ord(c))]
    return unicodedata.normalize("NFC", "".join(out))


def _is_letter(char: str) -> bool:
    category = unicodedata.category(char)
    return category.startswith(("L", "N")) or category in {"Mn", "Mc", "Co"}


def _is_dropped(code: int) -> bool:
    return (
        code in _DROPPED
        or 0x300 <= code <= 0x36F
        or 0xFE00 <= code <= 0xFE0F
        or 0x591 <= code <= 0x5BD
        or 0x64B <= code <= 0x65F
    )


def _is_paired(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _PAIRED_BLOCKS)


def _is_pictograph(char: str) -> bool:
    code = ord(char)
    in_blocks = 0x2600 <= code <= 0x27BF or 0x1F000 <= code <= 0x1FAFF
    return in_blocks and unicodedata.category(char) == "So"
