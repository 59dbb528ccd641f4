from __future__ import annotations

import math

import pytest

from benchmarks.results import Section, at_least, at_most, goals_table, per_second, span, table


@pytest.mark.parametrize(
    ("value", "is_met", "gap"),
    [(0.75, True, ""), (2.0, True, ""), (0.6, False, "20%"), (math.nan, False, "not measured")],
)
def test_at_least_is_met_from_the_goal_on(value: float, is_met: bool, gap: str) -> None:
    verdict = at_least("append", value, 0.75)

    assert (verdict.is_met, verdict.gap, verdict.goal) == (is_met, gap, ">= 0.75 x")


@pytest.mark.parametrize(
    ("value", "is_met", "gap"),
    [(1.5, True, ""), (0.1, True, ""), (3.0, False, "100%"), (math.nan, False, "not measured")],
)
def test_at_most_is_met_up_to_the_goal(value: float, is_met: bool, gap: str) -> None:
    verdict = at_most("load", value, 1.5)

    assert (verdict.is_met, verdict.gap, verdict.goal) == (is_met, gap, "<= 1.5 x")


def test_a_goal_of_none_is_missed_by_their_number() -> None:
    """A share of nothing says nothing."""
    assert at_most("errors", 0, 0, "").is_met
    assert at_most("errors", 3, 0, "").gap == "3"


def test_a_missed_goal_stands_out_in_the_table() -> None:
    text = goals_table([at_least("a", 2.0, 1.0), at_most("b", 2.0, 1.0)])

    assert "| a | >= 1 x | 2 x | met |" in text
    assert "| b | <= 1 x | 2 x | **missed by 100%** |" in text


def test_a_section_shows_its_tables_goals_and_notes_in_this_order() -> None:
    section = Section("title", "about", [table(["x"], [["1"]])], [at_most("goal", 1, 2)], ["a note"])

    pieces = ("### title", "about", "| x |", "| goal |", "- a note")
    places = [section.markdown().index(piece) for piece in pieces]

    assert places == sorted(places)


def test_a_bar_in_a_cell_opens_no_column() -> None:
    assert table(["a", "b"], [["x|y", 1]]).splitlines()[-1] == "| x/y | 1 |"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.000_012, "12 us"), (0.0123, "12.30 ms"), (2.5, "2.50 s"), (math.nan, "-")]
)
def test_durations_have_the_unit_that_suits_them(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


def test_rates_are_whole_numbers() -> None:
    assert per_second(12345.6) == "12,346"
