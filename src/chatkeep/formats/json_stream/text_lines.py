"""The lines of newline-delimited JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Skipped

LIMIT_BYTES = 256 * 1024 * 1024

_PIECE = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


def lines(
    stream: BinaryIO, *, limit: int = LIMIT_BYTES, where: str = "", piece: int = _PIECE
) -> Iterator[tuple[int, bytes | Skipped]]:
    r"""The lines of a stream, numbered from 1, without their ends; blank ones are counted and left out.

    A line ends at ``\n`` and nothing else (JSON text may hold U+2028 and its kin); a ``\r`` before it and a byte
    order mark at the beginning are removed. One longer than ``limit`` is a :class:`Skipped` and never held. A stream
    that fails on the way ends with a :class:`Skipped`; the last line may be torn.

    Args:
        stream: What to read.
        limit: How many bytes a line may have.
        where: What to name the source in reports.
        piece: How much to read at once.
    """
    number = 1
    for line in _raw_lines(stream, limit, piece):
        if isinstance(line, Skipped):
            yield number, Skipped(f"{where} line {number}".lstrip(), line.reason)
        else:
            text = line.removeprefix(_BOM) if number == 1 else line
            if text and not text.isspace():
                yield number, text.removesuffix(b"\r")
        number += 1


def _raw_lines(stream: BinaryIO, limit: int, piece: int) -> Iterator[bytes | Skipped]:
    held: list[bytes] = []
    size = 0
    while True:
        try:
            data = stream.read(piece)
        except (UnreadableSourceError, OSError) as error:
            yield from _held(held, size, limit)
            yield Skipped("", str(error))
            return
        if not data:
            yield from _held(held, size, limit)
            return
        first, *others = data.split(b"\n")
        size += len(first)
        # The list stays within the limit; a line beyond it is only counted.
        if size <= limit:
            held.append(first)
        if others:
            yield from _held(held, size, limit, ended=True)
            *whole, last = others
            for line in whole:
                yield from _held([line], len(line), limit, ended=True)
            held, size = [last], len(last)


def _held(held: list[bytes], size: int, limit: int, *, ended: bool = False) -> Iterator[bytes | Skipped]:
    if size > limit:
        yield Skipped("", f"larger than {limit} bytes")
    elif size or ended:
        yield b"".join(held)
