"""Times on the command line: what people type, and what they read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

_PERIOD = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
_AGO = re.compile(r"(\d{1,6})([hdwmy])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}


if TYPE_CHECKING:
    _MomentType = click.ParamType[datetime]
else:
    _MomentType = click.ParamType  # no generic class before click 8.4


class Moment(_MomentType):
    """A point in time: a year, month or day (UTC), an RFC 3339 time, ``today``, ``yesterday``, or ``7d`` ago.

    A year, month or day stands for its beginning, or with ``end`` for the beginning of the next one: both bounds of a
    range then include what they name.
    """

    name = "time"

    def __init__(self, *, end: bool = False) -> None:
        self._end = end

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return moment(value, now=datetime.now(UTC), end=self._end)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is not a time: use 2025, 2025-03, 2025-03-01, 2025-03-01T12:00:00Z, today or 7d", param
            )


def moment(text: str, *, now: datetime, end: bool = False) -> datetime:
    """The moment that a text means; see :class:`Moment`.

    Raises:
        ValueError, OverflowError: It means none.
    """
    text = text.strip()
    if text in ("today", "yesterday"):
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        day -= timedelta(days=text == "yesterday")
        return day + timedelta(days=1) if end else day
    if match := _AGO.fullmatch(text):
        return now - timedelta(hours=int(match[1]) * _HOURS[match[2]])
    if match := _PERIOD.fullmatch(text):
        year, month, day_number = (int(group) if group else None for group in match.groups())
        return _bound(year or 0, month, day_number, end=end)
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _bound(year: int, month: int | None, day: int | None, *, end: bool) -> datetime:
    start = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if not end:
        return start
    if day is not None:
        return start + timedelta(days=1)
    if month is not None:
        return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return datetime(year + 1, 1, 1, tzinfo=UTC)


def local(moment: datetime) -> str:
    """For reading: local time to the minute."""
    try:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):  # the year 1 or 9999, moved over its edge
        return moment.strftime("%Y-%m-%d %H:%M")
