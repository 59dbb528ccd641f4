"""The lines of newline-delimited JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Skipped

LIMIT_BYTES = 192 * 1024 * 1024

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
    for number, _, line in lines_at(stream, limit=limit, where=where, piece=piece):
        if isinstance(line, Skipped) or (line and not line.isspace()):
            yield number, line


def lines_at(
    stream: BinaryIO, *, limit: int = LIMIT_BYTES, where: str = "", piece: int = _PIECE
) -> Iterator[tuple[int, int, bytes | Skipped]]:
    """As :func:`lines`, with the offset of each line's first byte, and blank lines too."""
    offset = 0
    for number, (line, size) in enumerate(_raw_lines(stream, limit, piece), start=1):
        if isinstance(line, Skipped):
            yield number, offset, Skipped(f"{where} line {number}".lstrip(), line.reason)
        else:
            mark = len(_BOM) if number == 1 and line.startswith(_BOM) else 0
            yield number, offset + mark, line[mark:].removesuffix(b"\r")
        offset += size + 1


def _raw_lines(stream: BinaryIO, limit: int, piece: int) -> Iterator[tuple[bytes | Skipped, int]]:
    held: list[bytes] = []
    size = 0
    while True:
        try:
            data = stream.read(piece)
        except (UnreadableSourceError, OSError) as error:
            yield from _held(held, size, limit)
            yield Skipped("", str(error)), 0
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


def _held(held: list[bytes], size: int, limit: int, *, ended: bool = False) -> Iterator[tuple[bytes | Skipped, int]]:
    if size > limit:
        yield Skipped("", f"larger than {limit} bytes"), size
    elif size or ended:
        yield b"".join(held), size
