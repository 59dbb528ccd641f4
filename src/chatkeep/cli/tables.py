"""Tables as aligned columns. Drawn here and not by rich, which takes longer to load than a list to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from chatkeep.cli.terminal import clean_line, shortened, width

Paint = Callable[[str, str], str]
"""Gives a text a style; see :meth:`chatkeep.cli.invocation.Invocation.painted`."""


class Column(msgspec.Struct, frozen=True):
    """One column. ``flexible`` ones give way when the terminal is narrow, then those with the greatest ``spare`` go."""

    title: str
    style: str = ""
    right: bool = False
    flexible: bool = False
    spare: int = 0
    """0 for a column that always stays."""


_GAP = "  "
_MIN_ROOM = 12
# With less than this for a title, other columns are left out; a row that wraps is harder to read than a shorter one.
_FAIR_ROOM = 24


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """Lines of aligned columns below a line of titles, nothing cut; cells are cleaned here."""
    titles = [column.title.upper() for column in columns]
    return _lines(columns, [titles, *([clean_line(cell) for cell in row] for row in rows)], paint=None)


def drawn_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, cells: int, paint: Paint) -> str:
    """The same for a terminal of ``cells`` cells: painted, flexible columns cut to fit, empty ones left out."""
    cleaned = [[clean_line(cell) for cell in row] for row in rows]
    used = [n for n in range(len(columns)) if any(row[n] for row in cleaned)]
    used = _fitting(columns, cleaned, used, cells)
    columns = [columns[n] for n in used]
    cleaned = [[row[n] for n in used] for row in cleaned]
    room = _room(columns, cleaned, cells)
    fitting = [
        [shortened(cell, room) if column.flexible else cell for column, cell in zip(columns, row, strict=True)]
        for row in cleaned
    ]
    return _lines(columns, [[column.title for column in columns], *fitting], paint=paint)


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]], used: list[int], cells: int) -> list[int]:
    """The columns to draw: as many as leave a fair width to the flexible ones."""
    while any(columns[n].spare for n in used):
        kept, texts = [columns[n] for n in used], [[row[n] for n in used] for row in rows]
        if _room(kept, texts, cells) >= _FAIR_ROOM:
            break
        least = max(used, key=lambda n: columns[n].spare)
        used = [n for n in used if n != least]
    return used


def _lines(columns: Sequence[Column], cells: Sequence[Sequence[str]], *, paint: Paint | None) -> str:
    widths = [max(width(row[n]) for row in cells) for n in range(len(columns))]
    lines = []
    for number, row in enumerate(cells):
        padded = [_padded(cell, widths[n], columns[n]) for n, cell in enumerate(row)]
        if padded and not columns[-1].right:
            padded[-1] = padded[-1].rstrip()
        if paint is not None:
            styles = ["bold" if number == 0 else column.style for column in columns]
            padded = [paint(cell, style) for cell, style in zip(padded, styles, strict=True)]
        lines.append(_GAP.join(padded).rstrip())
    return "\n".join(lines)


def _padded(text: str, cells: int, column: Column) -> str:
    space = " " * (cells - width(text))
    return space + text if column.right else text + space


def _room(columns: Sequence[Column], rows: Sequence[Sequence[str]], cells: int) -> int:
    """How wide each flexible column may be, so that the others need not be cut."""
    flexible = sum(column.flexible for column in columns)
    fixed = sum(
        max(len(column.title), *(width(row[n]) for row in rows))
        for n, column in enumerate(columns)
        if not column.flexible
    )
    return max(_MIN_ROOM, (cells - fixed - len(_GAP) * (len(columns) - 1)) // max(flexible, 1))
