"""Guessing where an element of a big array begins, from how its first one begins.

Objects of one array mostly begin with the same keys. A guess proves nothing: the caller has a parser judge it.
"""

from __future__ import annotations

import re

_TAIL = 256 * 1024
_KEYS = 3
_KEY = re.compile(rb'\s*+("(?:[^"\\]|\\.){1,100}+")\s*+:\s*+')
_SCALAR_TEXT = rb'(?:"(?:[^"\\]|\\.){0,400}+"|[-+.\w]{1,40}+)'
_SCALAR_AND_COMMA = re.compile(_SCALAR_TEXT + rb"\s*+,")


class Boundaries:
    """Places where an object ends and one that begins like ``first`` follows."""

    def __init__(self, pattern: re.Pattern[bytes], keys: int) -> None:
        self._pattern = pattern
        self.is_strong = keys > 1
        """Whether several keys have to match, so that nested objects hardly ever pass for elements."""

    @classmethod
    def learn(cls, data: bytes | bytearray, at: int) -> Boundaries | None:
        """From the beginning of the array's first element; None unless it is an object with keys."""
        if at >= len(data) or data[at] != ord("{"):
            return None
        at += 1
        pieces: list[bytes] = []
        while len(pieces) < _KEYS and (key := _KEY.match(data, at)):
            pieces.append(rb"\s*+" + re.escape(bytes(key[1])) + rb"\s*+:\s*+")
            scalar = _SCALAR_AND_COMMA.match(data, key.end())
            if scalar is None:
                break
            at = scalar.end()
        if not pieces:
            return None
        following = (_SCALAR_TEXT + rb"\s*+,").join(pieces)
        return cls(re.compile(rb"\}\s*+,\s*+(?=\{" + following + rb")"), len(pieces))

    def last(self, data: bytes | bytearray, start: int) -> list[tuple[int, int]]:
        """The last few of them after ``start``, the last first: (place after the end, place of the beginning)."""
        near = max(start, len(data) - _TAIL)
        found = [(match.start() + 1, match.end()) for match in self._pattern.finditer(data, near)]
        if not found and near > start:
            found = [(match.start() + 1, match.end()) for match in self._pattern.finditer(data, start)]
        return found[-4:][::-1]

    def first(self, data: bytes | bytearray, start: int) -> int | None:
        """Where the first element after ``start`` begins."""
        match = self._pattern.search(data, start)
        return None if match is None else match.end()
