from __future__ import annotations

import pytest

from chatkeep.cli.tables import Column, drawn_table, plain_table
from chatkeep.cli.terminal import width

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


def test_drawn_tables_fit_the_terminal_and_leave_empty_columns_out() -> None:
    columns = (*COLUMNS, Column("project"), Column("cost", style="dim"))
    rows = [("a", "\x1b]0;x\x07" + "茶" * 90, "1", "", "$1"), ("b", "short", "22", "", "")]

    lines = drawn_table(columns, rows, cells=40, paint=lambda text, style: text).split("\n")

    assert "project" not in lines[0]
    assert lines[1].startswith("a   ␛]0;x␇茶")
    assert "茶…" in lines[1]
    assert lines[1].endswith("       1  $1")
    assert 39 <= max(width(line) for line in lines) <= 40


@pytest.mark.parametrize(
    ("cells", "left"), [(100, "id title project source n"), (50, "id title n"), (20, "id title n")]
)
def test_columns_that_can_be_spared_go_before_rows_wrap(cells: int, left: str) -> None:
    columns = (
        Column("id"),
        Column("title", flexible=True),
        Column("project", spare=2),
        Column("source", spare=1),
        Column("n", right=True),
    )
    rows = [("a", "t" * 60, "p" * 20, "s" * 20, "1")]

    lines = drawn_table(columns, rows, cells=cells, paint=lambda text, style: text).split("\n")

    assert lines[0].split() == left.split()
    assert max(width(line) for line in lines) <= cells


def test_only_cells_of_ours_are_painted() -> None:
    text = drawn_table(
        COLUMNS, [("a", "b", "1")], cells=40, paint=lambda text, style: f"<{style}:{text}>" if style else text
    )

    assert text == "<bold:id>  <bold:title>  <bold:messages>\na   b             1"
