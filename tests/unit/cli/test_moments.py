from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatkeep.cli.moments import local, moment

NOW = datetime(2025, 3, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025", datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("2024-12", datetime(2024, 12, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        ("2025-02", datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("today", datetime(2025, 3, 10, tzinfo=UTC), datetime(2025, 3, 11, tzinfo=UTC)),
        ("yesterday", datetime(2025, 3, 9, tzinfo=UTC), datetime(2025, 3, 10, tzinfo=UTC)),
    ],
)
def test_a_period_bounds_a_range_that_includes_it(text: str, start: datetime, end: datetime) -> None:
    assert moment(text, now=NOW) == start
    assert moment(text, now=NOW, end=True) == end


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2025-03-01T12:00:00Z", datetime(2025, 3, 1, 12, tzinfo=UTC)),
        ("2025-03-01T12:00:00+02:00", datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ("2025-03-01 12:00", datetime(2025, 3, 1, 12, tzinfo=UTC)),
        ("12h", datetime(2025, 3, 10, 3, 30, tzinfo=UTC)),
        ("7d", datetime(2025, 3, 3, 15, 30, tzinfo=UTC)),
        ("2w", datetime(2025, 2, 24, 15, 30, tzinfo=UTC)),
    ],
)
def test_times_and_ages_are_exact(text: str, meant: datetime) -> None:
    assert moment(text, now=NOW) == moment(text, now=NOW, end=True) == meant


@pytest.mark.parametrize("text", ["", "soon", "2025-13", "2025-02-30", "25", "0000", "7x", "999999y", "2025-03-01T99"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        moment(text, now=NOW)


@pytest.mark.parametrize("year", [1, 9999])
def test_the_edges_of_time_can_be_shown(year: int) -> None:
    """Imported chats may hold any date; moved to another time zone it must not fall off the calendar."""
    month = 1 if year == 1 else 12
    assert local(datetime(year, month, 1 if year == 1 else 31, 0 if year == 1 else 23, tzinfo=UTC)).count(":") == 1
