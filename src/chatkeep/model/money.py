"""Money: integer nano-dollars, so that sums are exact."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

NANOS = 1_000_000_000
_LIMIT = 2**63 - 1


def to_nanos(dollars: float | int | str | Decimal) -> int:
    """Nano-dollars of an amount as it was written (``0.00002`` is exactly 20,000).

    Raises:
        ValueError: Not a finite amount, or out of range.
    """
    try:
        nanos = Decimal(str(dollars)) * NANOS
        whole = int(nanos.to_integral_value())
    except (InvalidOperation, OverflowError) as error:
        raise ValueError(f"not an amount of money: {str(dollars)[:40]!r}") from error
    if not -_LIMIT <= whole <= _LIMIT:
        raise ValueError(f"amount of money out of range: {str(dollars)[:40]!r}")
    return whole


def to_dollars(nanos: int) -> float:
    """Dollars for showing; exact below about nine million dollars."""
    return nanos / NANOS
