"""The members of a JSON object of any size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream.decoding import loads
from chatkeep.formats.json_stream.scanner import BrokenJsonError, ValueScanner

_WINDOW_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[\s,:]*+")
_BRACE, _CLOSE, _QUOTE = b'{}"'


def object_members(stream: BinaryIO, *, hold: int, where: str = "") -> Iterator[tuple[str, bytes | None]]:
    """Each key of the outermost object with the raw bytes of its value; None for a value of more than ``hold`` bytes.

    Commas and colons are not checked: what is well-formed is read right, and what is not fails in :func:`loads`.

    Args:
        stream: The text, UTF-8, with or without a byte order mark.
        hold: Values up to this many bytes are held in memory, one at a time.
        where: What to name the source in errors.

    Raises:
        UnreadableSourceError: Not an object, broken, or cut off; after all members before that place.
    """
    return _Reader(stream, hold, f"{where}: " if where else "").members()


class _Reader:
    def __init__(self, stream: BinaryIO, hold: int, where: str) -> None:
        self._stream = stream
        self._hold = hold
        self._where = where
        self._data = bytearray()
        self._at = 0

    def members(self) -> Iterator[tuple[str, bytes | None]]:
        self._more()
        if self._data.startswith(_BOM):
            self._at = len(_BOM)
        if self._peek() != _BRACE:
            raise UnreadableSourceError(f"{self._where}not a JSON object")
        self._at += 1
        while (byte := self._peek()) != _CLOSE:
            key = self._value(_WINDOW_BYTES) if byte == _QUOTE else None
            if key is None:
                raise UnreadableSourceError(f"{self._where}{'cut off' if byte < 0 else 'not JSON'}")
            self._peek()
            yield str(loads(key)), self._value(self._hold)

    def _more(self) -> bool:
        try:
            piece = self._stream.read(_WINDOW_BYTES)
        except OSError as error:
            raise UnreadableSourceError(f"{self._where}{error.strerror or error}") from error
        del self._data[: self._at]
        self._at = 0
        self._data += piece
        return bool(piece)

    def _peek(self) -> int:
        """The next byte that is not white space, a comma or a colon; -1 at the end."""
        while True:
            match = _SPACE.match(self._data, self._at)
            self._at = self._at if match is None else match.end()
            del match  # it would keep the data from growing
            if self._at < len(self._data):
                return self._data[self._at]
            if not self._more():
                return -1

    def _value(self, hold: int) -> bytes | None:
        scanner = ValueScanner()
        at = self._at
        size = 0
        while True:
            try:
                done, at = scanner.scan(self._data, at)
            except BrokenJsonError as error:
                raise UnreadableSourceError(f"{self._where}{error}") from error
            if done:
                value = bytes(self._data[self._at : at]) if size + at - self._at <= hold else None
                self._at = at
                return value
            if size or at - self._at > hold:
                # Too much to hold: let go of what was read, and only follow it to its end.
                size += at - self._at
                self._at = at
            ahead = at - self._at
            if not self._more():
                raise UnreadableSourceError(f"{self._where}cut off")
            at = self._at + ahead
