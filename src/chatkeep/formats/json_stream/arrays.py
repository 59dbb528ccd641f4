"""The elements of a JSON array of any size, one after the other.

Most of the work is done by msgspec: a window of the text is cut where an element seems to end, and msgspec takes it
apart. Had the guess been wrong, brackets or a string would be open at the cut and msgspec would refuse it. What it
refuses for any reason goes through an exact and slower scanner, one element at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream.boundaries import Boundaries
from chatkeep.formats.json_stream.decoding import loads
from chatkeep.formats.json_stream.scanner import BrokenJsonError, ValueScanner
from chatkeep.formats.protocol import Skipped

WINDOW_BYTES = 4 * 1024 * 1024
LIMIT_BYTES = 192 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"\s*+")
_COMMA, _END, _BEGIN, _BRACE, _CLOSE, _QUOTE, _COLON = b',][{}":'
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
# How far a window may grow before the scanner takes over.
_GROWN = 16
# A boundary is far shorter than this, so no search misses one that lies across two pieces.
_OVERLAP = 8 * 1024


def array_items(
    stream: BinaryIO,
    *,
    path: tuple[str, ...] = (),
    where: str = "",
    window: int = WINDOW_BYTES,
    limit: int = LIMIT_BYTES,
) -> Iterator[tuple[int, bytes | Skipped]]:
    """The raw bytes of each element, in order, numbered from 1.

    Memory is bounded by the largest element, at most ``limit``, and a few windows. Damage costs the elements that it
    touches: each gap is one :class:`Skipped`, then come the elements after it. A file that was cut off, or a stream
    that fails on the way, gives all whole elements and one :class:`Skipped`. The bytes are balanced, not necessarily
    valid: use :func:`loads`.

    Args:
        stream: The text, UTF-8, with or without a byte order mark.
        path: Keys that lead from the outermost object to the array; empty if the array is outermost.
        where: What to name the source in reports, e.g. a member's name.
        window: How much to read at once.
        limit: An element with more bytes is reported, not held.

    Raises:
        UnreadableSourceError: There is no such array, or reading failed before its beginning.
    """
    reader = _ArrayReader(stream, where=where, window=window, limit=limit)
    reader.enter(path)
    yield from reader.items(outermost=not path)


class _CutOffError(BrokenJsonError):
    """The stream ends inside the value."""


class _OversizedError(BrokenJsonError):
    """The value has more bytes than may be held."""


class _ArrayReader:
    def __init__(self, stream: BinaryIO, *, where: str, window: int, limit: int) -> None:
        self._stream = stream
        self._where = where
        self._window = window
        self._limit = limit
        self._data = bytearray()
        # Where unread text begins. The byte before it is always there, and is ours to overwrite.
        self._at = 0
        self._dropped = 0
        self._eof = False
        self._trouble: str | None = None
        self._boundaries: Boundaries | None = None
        # Up to this offset of the stream windows are known to be refused.
        self._scan_until = 0
        # The text from some damage to the end of the stream holds no element; that damage was reported.
        self._lost = False

    # --- text ---

    def _more(self) -> bool:
        """Read on; False at the end of the stream. Drops what is consumed, so places in the data change."""
        if self._eof:
            return False
        if self._at > 1:
            self._dropped += self._at - 1
            del self._data[: self._at - 1]
            self._at = 1
        try:
            piece = self._stream.read(self._window)
        except (UnreadableSourceError, OSError) as error:
            self._trouble = str(error)
            piece = b""
        self._data += piece
        self._eof = not piece
        return not self._eof

    def _peek(self) -> int:
        """The next byte that is not white space, or -1 at the end."""
        while True:
            match = _SPACE.match(self._data, self._at)
            self._at = self._at if match is None else match.end()
            if self._at < len(self._data):
                return self._data[self._at]
            if not self._more():
                return -1

    def _place(self, index: int) -> str:
        return f"{self._where} item {index}".lstrip()

    # --- the way to the array ---

    def enter(self, path: tuple[str, ...]) -> None:
        self._data += b" "
        self._at = 1
        self._more()
        if self._data.startswith(_BOM, 1):
            self._at += len(_BOM)
        for key in path:
            self._enter_key(key)
        if self._peek() != _BEGIN:
            raise self._unreadable(f"no JSON array at {'.'.join(path)}" if path else "not a JSON array")
        self._at += 1

    def _unreadable(self, reason: str) -> UnreadableSourceError:
        return UnreadableSourceError(f"{self._where or 'source'}: {self._trouble or reason}")

    def _enter_key(self, wanted: str) -> None:
        if self._peek() != _BRACE:
            raise self._unreadable(f"not a JSON object with {wanted!r}")
        self._at += 1
        while (byte := self._peek()) == _QUOTE:
            key = self._value(keep=True)
            if self._peek() != _COLON:
                break
            self._at += 1
            if key is not None and loads(key) == wanted:
                return
            self._peek()
            self._value(keep=False)
            if self._peek() == _COMMA:
                self._at += 1
        raise self._unreadable(f"no {wanted!r} in its JSON object" if byte in (_CLOSE, -1) else "broken JSON object")

    def _value(self, *, keep: bool) -> bytes | None:
        """Pass over one value; its bytes, or None if they are not wanted or too many."""
        scanner = ValueScanner()
        at = self._at
        while True:
            try:
                done, at = scanner.scan(self._data, at)
            except BrokenJsonError as error:
                raise self._unreadable(str(error)) from error
            if done:
                value = bytes(self._data[self._at : at]) if keep else None
                self._at = at
                return value
            if not keep or at - self._at > self._limit:
                keep, self._at = False, at
            ahead = at - self._at
            if not self._more():
                raise self._unreadable("cut off before the array begins")
            at = self._at + ahead

    # --- elements ---

    def items(self, *, outermost: bool) -> Iterator[tuple[int, bytes | Skipped]]:
        index = 0
        while (byte := self._peek()) != -1:
            if byte == _COMMA:
                self._at += 1
                continue
            if byte == _END:
                self._at += 1
                if not (outermost and self._goes_on()):
                    break
                batch: list[bytes | Skipped] = [Skipped(self._place(index + 1), "text after the end of the array")]
            else:
                batch = self._batch(index + 1, outermost=outermost)
            for item in batch:
                index += 1
                yield index, item
        else:
            if not self._lost:
                yield index + 1, Skipped(self._place(index + 1), self._trouble or "cut off: the array does not end")
            return
        yield from self._rest(index + 1)

    def _batch(self, index: int, *, outermost: bool) -> list[bytes | Skipped]:
        if self._boundaries is None:
            self._boundaries = Boundaries.learn(self._data, self._at)
        return self._window_of_items(outermost=outermost) or [self._item(index)]

    def _goes_on(self) -> bool:
        """Whether something follows the outermost array, which then seemed to end because text is missing."""
        if self._peek() == -1:
            return False
        self._resume(strong=True)
        return True

    def _rest(self, index: int) -> Iterator[tuple[int, Skipped]]:
        """Read to the end of the stream: an archive tells only there that its bytes are damaged."""
        while self._more():
            self._at = len(self._data)
        if self._trouble:
            yield index, Skipped(self._place(index), self._trouble)

    # --- elements by the window ---

    def _window_of_items(self, *, outermost: bool) -> list[bytes | Skipped] | None:
        """As many whole elements as msgspec finds in a window; None: take the next one by the scanner."""
        if self._boundaries is None or self._dropped + self._at < self._scan_until:
            return None
        size = self._window
        while True:
            while len(self._data) - self._at < size and self._more():
                pass
            if items := self._cut_somewhere(self._boundaries, outermost=outermost):
                return items
            size *= 2
            if self._eof or size > min(self._window * _GROWN, self._limit):
                self._scan_until = self._dropped + len(self._data)
                if self._boundaries.first(self._data, self._at) is None:
                    # The element it was learned from is unlike the others: learn from the next one.
                    self._boundaries = None
                return None

    def _cut_somewhere(self, boundaries: Boundaries, *, outermost: bool) -> list[bytes | Skipped] | None:
        places = boundaries.last(self._data, self._at)
        if self._eof and outermost:
            end = self._data.rfind(b"]", self._at)
            if end != -1 and _SPACE.fullmatch(self._data, end + 1):
                places.insert(0, (end, end))
        for end, following in places:
            items = self._cut(end)
            if items:
                self._at = following
                return items
        return None

    def _cut(self, end: int) -> list[bytes | Skipped] | None:
        """The elements between here and ``end``; None if one is broken or too big, or goes on after ``end``."""
        start = self._at - 1
        before, after = self._data[start], self._data[end]
        self._data[start], self._data[end] = _BEGIN, _END
        try:
            items = _copies(memoryview(self._data)[start : end + 1])
        finally:
            self._data[start], self._data[end] = before, after
        return None if items is None or any(len(item) > self._limit for item in items) else [*items]

    # --- elements by the scanner ---

    def _item(self, index: int) -> bytes | Skipped:
        try:
            end = self._find_end()
        except BrokenJsonError as error:
            reason = self._trouble or str(error)
            if not isinstance(error, _OversizedError):
                # At the end of a stream, nested objects that happen to begin alike are more likely than damage.
                self._resume(strong=isinstance(error, _CutOffError))
            return Skipped(self._place(index), reason)
        item = bytes(self._data[self._at : end])
        self._at = end
        # After a bracket is closed the next value may as well begin; a bare word or text must stand alone.
        if item[0] not in b"{[" and self._peek() not in (_COMMA, _END, -1):
            self._resume(strong=False)
            return Skipped(self._place(index), "not JSON")
        return item

    def _find_end(self) -> int:
        scanner = ValueScanner()
        at = self._at
        while True:
            done, at = scanner.scan(self._data, at)
            if at - self._at > self._limit:
                self._pass_over(scanner, at, done=done)
                raise _OversizedError(f"larger than {self._limit} bytes")
            if done:
                break
            ahead = at - self._at
            if not self._more():
                if scanner.is_scalar:
                    break
                raise _CutOffError("cut off: the file ends inside it")
            at = self._at + ahead
        if at == self._at:
            raise BrokenJsonError("not JSON")
        return at

    def _pass_over(self, scanner: ValueScanner, at: int, *, done: bool) -> None:
        """Go to the end of an element that is too big to hold, or to the next one that it ran into by damage."""
        strong = self._boundaries is not None and self._boundaries.is_strong
        if strong and self._boundaries and (place := self._boundaries.first(self._data, self._at)) and place < at:
            self._at = place
            return
        self._at = at
        while not done and self._more():
            try:
                done, self._at = scanner.scan(self._data, self._at)
            except BrokenJsonError:
                self._resume(strong=False)
                return
        self._lost = not done

    def _resume(self, *, strong: bool) -> None:
        """Go to the next place where an element seems to begin, else to the end of the stream."""
        boundaries = self._boundaries
        if boundaries is not None and strong and not boundaries.is_strong:
            boundaries = None
        while True:
            if boundaries is not None and (place := boundaries.first(self._data, self._at)) is not None:
                self._at = place
                return
            if boundaries is None:
                self._at = len(self._data)
            self._at = max(self._at, len(self._data) - _OVERLAP)
            if not self._more():
                self._at = len(self._data)
                self._lost = True
                return


def _copies(window: memoryview) -> list[bytes] | None:
    # A function of its own: what is left of raws and view at its end would keep the data from growing.
    try:
        return [bytes(raw) for raw in _RAWS.decode(window)]
    except (msgspec.DecodeError, RecursionError):
        return None
    finally:
        window.release()
