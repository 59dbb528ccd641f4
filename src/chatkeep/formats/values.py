"""Reading values of unknown shape: what is there is taken, what is wrong is reported, nothing raises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from chatkeep.formats.protocol import Skipped
from chatkeep.model import from_iso, from_us

T = TypeVar("T")

_INT64 = 2**63


class Problems:
    """What was found wrong inside one record: place and reason, never the value.

    Holds at most ``limit`` of them and counts the rest, so that a hostile record cannot fill memory or reports.
    ``at`` gives a view of the same collection for a deeper place.
    """

    def __init__(self, where: str = "", *, limit: int = 50) -> None:
        self._where = where
        self._limit = limit
        self._found: list[Skipped] = []
        self._total = [0]

    def at(self, place: str | int) -> Problems:
        """The same collection, with ``place`` added to the place of whatever is put in through it."""
        deeper = Problems(self._named(str(place)), limit=self._limit)
        deeper._found, deeper._total = self._found, self._total
        return deeper

    def add(self, field: str, reason: str) -> None:
        """Note that ``field`` of this place could not be used as it is."""
        self._total[0] += 1
        if len(self._found) < self._limit:
            self._found.append(Skipped(self._named(field), reason))

    def add_all(self, problems: tuple[Skipped, ...]) -> None:
        """Take over what was found elsewhere, places and all."""
        self._total[0] += len(problems)
        self._found.extend(problems[: max(0, self._limit - len(self._found))])

    def found(self) -> tuple[Skipped, ...]:
        """All that was noted, in order; one last entry counts what did not fit."""
        more = self._total[0] - len(self._found)
        return (*self._found, Skipped(self._where, f"and {more} more problems")) if more else tuple(self._found)

    def __bool__(self) -> bool:
        return self._total[0] > 0

    def __len__(self) -> int:
        return self._total[0]

    def _named(self, field: str) -> str:
        return f"{self._where} {field}".strip() if field else self._where


# Each reader gives None for what is missing or null, and None with a problem for what is wrong.


def text(value: object, problems: Problems, field: str) -> str | None:
    """Text; numbers and truths are written out, since nothing is lost by it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and -_INT64 <= value < _INT64):
        return str(value)
    _wrong(value, "text", problems, field)
    return None


def integer(value: object, problems: Problems, field: str) -> int | None:
    """A whole number of 64 bits; also 3.0 and "3"."""
    exact = _decimal(value)
    if exact is None:
        if value is not None:
            _wrong(value, "a whole number", problems, field)
        return None
    # Compare before converting: int() of Decimal("1e999999") would fill memory.
    if not -_INT64 <= exact < _INT64 or exact != exact.to_integral_value():
        problems.add(field, "not a whole number of 64 bits")
        return None
    return int(exact)


def number(value: object, problems: Problems, field: str) -> float | None:
    """A finite number; also "0.5"."""
    exact = _decimal(value)
    if exact is None:
        if value is not None:
            _wrong(value, "a number", problems, field)
        return None
    result = float(exact)
    if math.isfinite(result):
        return result
    problems.add(field, "out of range")
    return None


def boolean(value: object, problems: Problems, field: str) -> bool | None:
    """A truth; also 0, 1, "true" and "false"."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    _wrong(value, "true or false", problems, field)
    return None


def mapping(value: object, problems: Problems, field: str) -> dict[str, Any]:
    """A JSON object; empty when missing or wrong."""
    if isinstance(value, dict):
        return value
    if value is not None:
        _wrong(value, "an object", problems, field)
    return {}


def listing(value: object, problems: Problems, field: str) -> list[Any]:
    """A JSON array; empty when missing or wrong."""
    if isinstance(value, list):
        return value
    if value is not None:
        _wrong(value, "a list", problems, field)
    return []


def time_from_seconds(value: object, problems: Problems, field: str) -> datetime | None:
    """A UTC time from Unix seconds, as a number or its text."""
    return _time(value, 1_000_000, problems, field)


def time_from_ms(value: object, problems: Problems, field: str) -> datetime | None:
    """A UTC time from Unix milliseconds, as a number or its text."""
    return _time(value, 1_000, problems, field)


def time_from_iso(value: object, problems: Problems, field: str) -> datetime | None:
    """A UTC time from ISO 8601 text; one without an offset counts as UTC."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        _wrong(value, "a time", problems, field)
        return None
    try:
        return from_iso(value)
    except (ValueError, OverflowError):
        problems.add(field, "not a time")
        return None


def _time(value: object, us_per_unit: int, problems: Problems, field: str) -> datetime | None:
    if value is None or value == "":
        return None
    exact = _decimal(value)
    if exact is None:
        _wrong(value, "a time", problems, field)
        return None
    try:
        return from_us(int(_checked(exact * us_per_unit).to_integral_value()))
    except (OverflowError, InvalidOperation):
        problems.add(field, "a time out of range")
        return None


def _checked(us: Decimal) -> Decimal:
    if not -_INT64 <= us < _INT64:
        raise OverflowError
    return us


def _decimal(value: object) -> Decimal | None:
    """The finite number that a value is or spells out; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return Decimal(value)
    shown = str(value) if isinstance(value, float) else value.strip()
    # Decimal takes underscores and scripts' own digits, which no source means.
    if len(shown) > 400 or not shown.isascii() or "_" in shown:
        return None
    try:
        exact = Decimal(shown)
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None


def _wrong(value: object, wanted: str, problems: Problems, field: str) -> None:
    problems.add(field, f"not {wanted} but {_kind(value)}")


_KINDS: dict[type, str] = {str: "other text", bool: "a truth", dict: "an object", list: "a list"}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")


class Fields:
    """A JSON object being read key by key; it remembers what was used, so that the rest can be kept.

    Every reader takes a key, gives None (or an empty container) for what is missing, and notes a problem for what is
    wrong. A value that was wrong counts as not used: :meth:`rest` returns it, and so it is kept in ``extra``.
    """

    def __init__(self, value: object, problems: Problems, field: str = "") -> None:
        self.problems = problems.at(field) if field else problems
        self._data = mapping(value, problems, field)
        self._used: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def raw(self, key: str) -> Any:
        """The value as it is, counted as used."""
        self._used.add(key)
        return self._data.get(key)

    def text(self, key: str) -> str | None:
        """See :func:`text`."""
        return self._read(key, text)

    def integer(self, key: str) -> int | None:
        """See :func:`integer`."""
        return self._read(key, integer)

    def number(self, key: str) -> float | None:
        """See :func:`number`."""
        return self._read(key, number)

    def boolean(self, key: str) -> bool | None:
        """See :func:`boolean`."""
        return self._read(key, boolean)

    def mapping(self, key: str) -> dict[str, Any]:
        """See :func:`mapping`."""
        return self._read(key, mapping)

    def listing(self, key: str) -> list[Any]:
        """See :func:`listing`."""
        return self._read(key, listing)

    def fields(self, key: str) -> Fields:
        """An object below this one, to be read alike; its own :meth:`rest` has to be asked for."""
        return Fields(self.mapping(key), self.problems.at(key))

    def time_from_seconds(self, key: str) -> datetime | None:
        """See :func:`time_from_seconds`."""
        return self._read(key, time_from_seconds)

    def time_from_ms(self, key: str) -> datetime | None:
        """See :func:`time_from_ms`."""
        return self._read(key, time_from_ms)

    def time_from_iso(self, key: str) -> datetime | None:
        """See :func:`time_from_iso`."""
        return self._read(key, time_from_iso)

    def ignore(self, *keys: str) -> None:
        """Count keys as used that are derivable, or must not be kept (personal data, secrets)."""
        self._used.update(keys)

    def rest(self) -> dict[str, Any]:
        """What nobody asked for and says something: no nulls, no empty text, no empty containers."""
        return {
            key: value
            for key, value in self._data.items()
            if key not in self._used and not (value is None or value in ("", [], {}))
        }

    def _read(self, key: str, reader: Callable[[object, Problems, str], T]) -> T:
        before = len(self.problems)
        result = reader(self._data.get(key), self.problems, key)
        if len(self.problems) == before:
            self._used.add(key)
        return result
