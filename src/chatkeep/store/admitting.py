"""What callers may put into the store: values that come back as they went in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from chatkeep.encoding import storable
from chatkeep.errors import UsageError
from chatkeep.model import Usage

S = TypeVar("S", bound=msgspec.Struct)

# Sums over millions of messages must still fit into 64 bits.
MAX_TOKENS: Final = 10**12
MAX_COST_NANOS: Final = 10**13
"""Ten thousand dollars, for one message."""

_encode = msgspec.json.Encoder().encode


def admitted(record: S) -> S:
    """The record as it will be read back: with text that can be stored, and times in UTC.

    Raises:
        UsageError: It could be written but not read, such as a number where text belongs.
    """
    try:
        record = storable(_in_utc(record))
        back = msgspec.json.decode(_encode(record), type=type(record))
    except (TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
        raise UsageError(f"cannot store this {type(record).__name__.lower()}: {error}") from error
    if not (is_countable(getattr(back, "usage", None)) and is_payable(getattr(back, "cost_nanos", None))):
        raise UsageError(
            f"a message has at most {MAX_TOKENS} tokens of a kind and costs at most {MAX_COST_NANOS} nanos"
        )
    return back


def is_countable(usage: Usage | None) -> bool:
    """Whether these tokens can be added to a conversation's."""
    return usage is None or all(
        -MAX_TOKENS <= count <= MAX_TOKENS
        for count in (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning)
    )


def is_payable(cost_nanos: int | None) -> bool:
    """Whether this cost can be added to a conversation's."""
    return cost_nanos is None or -MAX_COST_NANOS <= cost_nanos <= MAX_COST_NANOS


def _in_utc(record: S) -> S:
    changes: dict[str, Any] = {}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, datetime) and value.tzinfo is not UTC:
            if value.tzinfo is None:
                raise ValueError(f"{name} has no time zone")
            changes[name] = value.astimezone(UTC)
    return msgspec.structs.replace(record, **changes) if changes else record
