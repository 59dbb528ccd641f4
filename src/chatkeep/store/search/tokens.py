"""Words: what of a text can be found.

A word is a run of letters, digits, marks and private-use characters, without regard to case and diacritics. Scripts
that are written without spaces (Han, Kana, Hangul, Thai, Lao, Khmer, Myanmar) give overlapping pairs of characters and
the last character of each run; a pictograph is a word by itself. All of this happens here, so that every engine finds
the same: what :func:`prepare` returns only has to be split at what is neither ASCII letter or digit nor non-ASCII, and
ASCII letters to be compared without regard to case.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

RULES = 1
"""Grows with every change of what :func:`prepare` returns: an index made by other rules is made anew."""

UNICODE = unicodedata.unidata_version

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_WORD = re.compile(r"[0-9a-zA-Z\x80-\U0010ffff]+")
_PAIRED_CLASS = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3021-\u3029\u3040-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_PAIRED = re.compile(f"[{_PAIRED_CLASS}]+")
# Letters that are their own folded form: runs of them skip the slower ways.
_PLAIN_PAIRED = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u4e00-\u9ffc\uac00-\ud7a3]+")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

# Soft hyphen, zero-width joiners, word joiner, byte order mark; Arabic tatweel and vowel signs, Hebrew points.
_IGNORED = frozenset([0xAD, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x640, 0x670, 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7])
_IGNORED_RANGES = ((0x300, 0x36F), (0xFE00, 0xFE0F), (0x591, 0x5BD), (0x64B, 0x65F))
_PICTOGRAPHS = ((0x2600, 0x27BF), (0x1F000, 0x1FAFF))
_REMEMBERED = 65_536
_REMEMBERED_RUNS = 16_384
_REMEMBERED_CHARS = 24


class Phrase(NamedTuple):
    """Words that follow each other; ``prefix`` lets the last one go on."""

    words: tuple[str, ...]
    prefix: bool


def prepare(text: str) -> str:
    """The text as an index takes it; ASCII text is returned as it is."""
    if text.isascii():
        return text
    return _NOT_ASCII.sub(_fold_match, text)


def words(text: str) -> list[str]:
    """The words of a text in order, folded."""
    return _WORD.findall(lower_ascii(prepare(text)))


def phrase(text: str, *, prefix: bool = False) -> Phrase:
    """What finds a text as a phrase; without words if it has none.

    A run of a script without spaces at the end of a phrase may go on in the text found, so its last character is not
    asked for as the end of a run; a run of one character is asked for as the beginning of a pair.
    """
    found = words(text)
    if found and len(found[-1]) == 1 and _PAIRED.match(found[-1]):
        if len(found) > 1 and len(found[-2]) == 2 and _PAIRED.fullmatch(found[-2]):
            return Phrase(tuple(found[:-1]), prefix=False)
        return Phrase(tuple(found), prefix=True)
    return Phrase(tuple(found), prefix=prefix and bool(found) and _may_go_on(found[-1]))


def lower_ascii(text: str) -> str:
    """The text with its ASCII letters in lower case and all others as they are: folded ones are folded already."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def is_paired(char: str) -> bool:
    """Whether a folded character belongs to a script that is written without spaces."""
    return _PAIRED.match(char) is not None


def fold_char(char: str) -> str:
    """The folded form of one character: nothing if it is ignored, a space if it is no part of a word."""
    return char.translate(_ASCII_LOWER) if char.isascii() else _folding[ord(char)]


def plain(text: str) -> str:
    """The text for comparing it as a substring: case and diacritics folded, everything else as it is."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not 0x300 <= ord(c) <= 0x36F))


def _may_go_on(word: str) -> bool:
    return _PAIRED.fullmatch(word) is None and not _is_pictograph(word)


def _is_pictograph(word: str) -> bool:
    return len(word) == 1 and any(low <= ord(word) <= high for low, high in _PICTOGRAPHS)


class _Folding(dict[int, str]):
    """Code point -> folded form, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = _fold_code(code)
        # Text made to hold every code point must not fill the memory.
        if len(self) < _REMEMBERED:
            self[code] = folded
        return folded


_folding = _Folding()
_folded_runs: dict[str, str] = {}


def _fold_match(match: re.Match[str]) -> str:
    run = match.group()
    folded = _folded_runs.get(run)
    if folded is None:
        folded = _fold_run(run)
        if len(run) <= _REMEMBERED_CHARS:
            if len(_folded_runs) >= _REMEMBERED_RUNS:
                _folded_runs.clear()
            _folded_runs[run] = folded
    return folded


def _fold_run(run: str) -> str:
    if _PLAIN_PAIRED.fullmatch(run):
        return _pairs(run)
    composed = unicodedata.normalize("NFC", run).translate(_folding)
    return _PAIRED.sub(_pair_match, unicodedata.normalize("NFC", composed))


def _pair_match(match: re.Match[str]) -> str:
    return _pairs(match.group())


def _pairs(run: str) -> str:
    count = len(run)
    out = [" "] * (3 * count)
    out[1 : 3 * count : 3] = run
    out[2 : 3 * count - 3 : 3] = run[1:]
    out[-1] = ""
    return "".join(out) + " "


def _fold_code(code: int) -> str:
    if _is_ignored(code):
        return ""
    char = chr(code)
    if not _is_word_char(char):
        is_pictograph = unicodedata.category(char) == "So" and _is_pictograph(char)
        return f" {char} " if is_pictograph else " "
    bare = _without_marks(unicodedata.normalize("NFKD", char)).casefold()
    bare = _without_marks(unicodedata.normalize("NFKD", bare))
    return unicodedata.normalize("NFC", "".join(c if _is_word_char(c) else " " for c in bare))


def _without_marks(text: str) -> str:
    return "".join(c for c in text if not _is_ignored(ord(c)))


def _is_ignored(code: int) -> bool:
    return code in _IGNORED or any(low <= code <= high for low, high in _IGNORED_RANGES)


def _is_word_char(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" or category in ("Mn", "Mc", "Co")
