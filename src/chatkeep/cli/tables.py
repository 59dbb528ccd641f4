"""Tables: drawn with rich on a terminal, plain aligned columns anywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from chatkeep.cli.terminal import clean_line, shortened, width

if TYPE_CHECKING:
    from rich.table import Table


class Column(msgspec.Struct, frozen=True):
    """One column. ``flexible`` ones give way when the terminal is narrow; ``style`` is rich's."""

    title: str
    style: str = ""
    right: bool = False
    flexible: bool = False


_GAP = "  "
_MIN_ROOM = 12


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns below a line of titles, nothing cut; cells are cleaned here."""
    cells = [[column.title.upper() for column in columns], *([clean_line(cell) for cell in row] for row in rows)]
    widths = [max(width(row[n]) for row in cells) for n in range(len(columns))]
    lines = [_GAP.join(_padded(row[n], widths[n], columns[n]) for n in range(len(columns))).rstrip() for row in cells]
    return "\n".join(lines)


def _padded(text: str, cells: int, column: Column) -> str:
    space = " " * (cells - width(text))
    return space + text if column.right else text + space


def rich_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, cells: int) -> Table:
    """A renderable for rich's console of ``cells`` cells; cells of the table are cleaned and never read as markup.

    Columns in which no row has anything are left out.
    """
    from rich.table import Table
    from rich.text import Text

    cleaned = [[clean_line(cell) for cell in row] for row in rows]
    used = [n for n in range(len(columns)) if any(row[n] for row in cleaned)]
    room = _room([columns[n] for n in used], [[row[n] for n in used] for row in cleaned], cells)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for n in used:
        column = columns[n]
        table.add_column(
            Text(column.title), style=column.style, justify="right" if column.right else "left", no_wrap=True
        )
    for row in cleaned:
        table.add_row(*(Text(shortened(row[n], room) if columns[n].flexible else row[n]) for n in used))
    return table


def _room(columns: Sequence[Column], rows: Sequence[Sequence[str]], cells: int) -> int:
    """How wide each flexible column may be, so that the others need not be cut."""
    flexible = sum(column.flexible for column in columns)
    fixed = sum(
        max(len(column.title), *(width(row[n]) for row in rows))
        for n, column in enumerate(columns)
        if not column.flexible
    )
    return max(_MIN_ROOM, (cells - fixed - len(_GAP) * (len(columns) - 1)) // max(flexible, 1))
