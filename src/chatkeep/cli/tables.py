"""Tables: drawn with rich on a terminal, plain aligned columns anywhere else."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatkeep.cli.terminal import clean_line, shortened, width


class Column(msgspec.Struct, frozen=True):
    """One column. ``flexible`` ones give way when the terminal is narrow; ``style`` is rich's."""

    title: str
    style: str = ""
    right: bool = False
    flexible: bool = False


_GAP = "  "


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns below a line of titles, nothing cut; cells are cleaned here."""
    cells = [[column.title.upper() for column in columns], *([clean_line(cell) for cell in row] for row in rows)]
    widths = [max(width(row[n]) for row in cells) for n in range(len(columns))]
    lines = [_GAP.join(_padded(row[n], widths[n], columns[n]) for n in range(len(columns))).rstrip() for row in cells]
    return "\n".join(lines)


def _padded(text: str, cells: int, column: Column) -> str:
    space = " " * (cells - width(text))
    return space + text if column.right else text + space


def rich_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, cells: int) -> object:
    """A renderable for rich's console of ``cells`` cells; cells of the table are cleaned and never read as markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            style=column.style,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if column.flexible else None,
            min_width=12 if column.flexible else None,
        )
    for row in rows:
        table.add_row(*(Text(shortened(clean_line(cell), cells)) for cell in row))
    return table
