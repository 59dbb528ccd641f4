"""Times: UTC ``datetime`` in values, Unix microseconds in tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """This moment, UTC."""
    return datetime.now(UTC)


def to_us(moment: datetime) -> int:
    """Unix microseconds of an aware moment, exact (no float on the way)."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(us: int) -> datetime:
    """The UTC moment of Unix microseconds.

    Raises:
        OverflowError: The year would leave 1..9999.
    """
    return EPOCH + timedelta(microseconds=us)


def from_seconds(seconds: float) -> datetime:
    """The UTC moment of Unix seconds, rounded to the microsecond as the digits were written.

    Raises:
        OverflowError, ValueError: Not finite, or the year would leave 1..9999.
    """
    return from_us(round(seconds * 1_000_000))


def from_iso(text: str) -> datetime:
    """The UTC moment of an ISO 8601 text; one without an offset counts as UTC, digits below 1 us are cut.

    Raises:
        ValueError: Not a time.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def to_iso(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``, as short as it is exact."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
