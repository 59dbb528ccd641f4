"""Finding where one JSON value ends, exactly, in text that arrives in pieces."""

from __future__ import annotations

import re

_QUOTE = ord('"')
_OPENING = b"{["
# Possessive, so that a long string costs no memory for going back.
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_STRUCTURE = re.compile(rb'["\[\]{}]')
_SCALAR = re.compile(rb"[-+.\w]*+")


class BrokenJsonError(ValueError):
    """The brackets do not match: where the value ends cannot be told."""


class ValueScanner:
    """Follows one JSON value over any number of pieces; keeps nothing but its open brackets.

    It minds strings and brackets and nothing else, so it finds the end of values that a parser refuses.
    """

    def __init__(self) -> None:
        self._closing = bytearray()
        self._begun = False
        self._in_string = False
        self._scalar = False

    def scan(self, data: bytes | bytearray, at: int) -> tuple[bool, int]:
        """Go on at ``at``, the value's first byte in the first call, later where the last call stopped.

        Returns:
            Whether the value is over, and the place after it; else the place to go on from with more data.

        Raises:
            BrokenJsonError: A bracket closes what was not opened.
        """
        if not self._begun:
            if at >= len(data):
                return False, at
            self._begun = True
            self._scalar = data[at] not in b'{["'
        if self._scalar:
            end = _end_of(_SCALAR, data, at)
            return end < len(data), end
        return self._scan_nested(data, at)

    @property
    def is_scalar(self) -> bool:
        """Whether the value is a number or a literal, which ends with the text if nothing follows it."""
        return self._scalar

    def _scan_nested(self, data: bytes | bytearray, at: int) -> tuple[bool, int]:
        while True:
            if self._in_string:
                at = _end_of(_STRING, data, at)
                if at >= len(data) or data[at] != _QUOTE:
                    return False, at
                at += 1
                self._in_string = False
                if not self._closing:
                    return True, at
            found = _STRUCTURE.search(data, at)
            if found is None:
                return False, len(data)
            at = found.end()
            if self._take(data[at - 1]):
                return True, at

    def _take(self, byte: int) -> bool:
        if byte == _QUOTE:
            self._in_string = True
        elif byte in _OPENING:
            # In ASCII both closing brackets are two after their opening ones.
            self._closing.append(byte + 2)
        elif not self._closing or self._closing.pop() != byte:
            raise BrokenJsonError("brackets do not match")
        else:
            return not self._closing
        return False


def _end_of(pattern: re.Pattern[bytes], data: bytes | bytearray, at: int) -> int:
    match = pattern.match(data, at)
    return at if match is None else match.end()
