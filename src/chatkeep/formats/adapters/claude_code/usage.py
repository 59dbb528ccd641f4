"""Tokens and money of a reply."""

from __future__ import annotations

from typing import Any

from chatkeep.formats.values import Fields
from chatkeep.model import Usage, to_nanos


def usage_of(message: Fields) -> tuple[Usage | None, dict[str, Any]]:
    """The tokens of an API message in four classes that do not overlap, and what else it says of its use."""
    if not isinstance(message.raw("usage"), dict):
        message.mapping("usage")
        return None, {}
    fields = message.fields("usage")
    counts = {
        key: _count(fields, source)
        for key, source in (
            ("input", "input_tokens"),
            ("cache_write", "cache_creation_input_tokens"),
            ("cache_read", "cache_read_input_tokens"),
            ("output", "output_tokens"),
        )
    }
    usage = Usage(**counts)
    rest = {key: value for key, value in fields.rest().items() if value != 0}
    return (usage if usage.total else None), rest


def _count(fields: Fields, key: str) -> int:
    count = fields.integer(key) or 0
    if count < 0:
        fields.problems.add(key, "below zero")
        return 0
    return count


def cost_of(line: Fields) -> int | None:
    """Nano-dollars that very old logs give; None if they do not."""
    value = line.raw("costUSD")
    if value is None:
        return None
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            return to_nanos(value)
    except ValueError:
        pass
    line.problems.add("costUSD", "not an amount of money")
    return None
