from __future__ import annotations

from rich.console import Console

from chatkeep.cli.tables import Column, plain_table, rich_table

COLUMNS = (Column("id"), Column("title", flexible=True), Column("messages", right=True))


def test_plain_tables_are_aligned_and_cut_nothing() -> None:
    text = plain_table(COLUMNS, [("a", "x" * 200, "7"), ("bc", "茶", "12")])

    title, first, second = text.split("\n")
    assert title.startswith("ID  TITLE")
    assert title.endswith("MESSAGES")
    assert first == f"a   {'x' * 200}         7"
    # Wide characters take two cells.
    assert second == f"bc  茶{' ' * 198}        12"


def test_hostile_cells_stay_on_their_line_and_steer_nothing() -> None:
    text = plain_table(COLUMNS, [("a", "one\ntwo\x1b[2J", "1")])

    assert text.count("\n") == 1
    assert "one two␛[2J" in text


def test_drawn_cells_are_no_markup_and_fit_the_terminal() -> None:
    console = Console(width=40, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(rich_table(COLUMNS, [("a", "[bold]hi[/] \x1b]0;x\x07" + "y" * 90, "1")], cells=40))

    lines = capture.get().splitlines()
    assert "[bold]hi[/] ␛]0;x␇" in lines[1]
    assert all(len(line.rstrip()) <= 40 for line in lines)
