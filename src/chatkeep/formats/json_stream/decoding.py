"""Decoding one JSON value as tolerantly as can be done without guessing."""

from __future__ import annotations

import json
import math
from hashlib import sha256
from typing import Any

import msgspec

from chatkeep.formats.values import Problems

_BOM = b"\xef\xbb\xbf"
# Beyond it Python refuses to convert, and nobody means a number.
_DIGITS = 4_000


def loads(raw: bytes, *, problems: Problems | None = None, field: str = "") -> Any:
    """Decode one JSON value; what msgspec refuses is tried with Python's own, more patient parser.

    That one accepts lone surrogates (they stay in the text), control characters in strings, and numbers that no
    machine number holds: NaN, Infinity, 1e400 and integers of thousands of digits become *text* as they were
    written, so that nothing is lost and every value can be stored. Bytes that are not UTF-8 are replaced by U+FFFD.
    Of equal keys the last wins, as everywhere; they are reported when the patient parser is at work, since msgspec
    does not tell of them.

    Args:
        raw: UTF-8, with or without a byte order mark.
        problems: Collects what was lost: replaced bytes, repeated keys.
        field: What to name the value in problems.

    Raises:
        ValueError: Not JSON, or nested too deeply; the message holds no content.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _patient(raw, problems, field)
    except RecursionError:
        reason = "nested too deeply"
    except json.JSONDecodeError as error:
        # `error.doc` holds the whole text, and its `__str__` none of it.
        reason = str(error)
    raise ValueError(reason)


def _patient(raw: bytes, problems: Problems | None, field: str) -> Any:
    data = raw.removeprefix(_BOM)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        if problems is not None:
            problems.add(field, "bytes that are not UTF-8 were replaced")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items) and problems is not None:
            problems.add(field, "an object has a key more than once: the last one counts")
        return value

    return json.loads(
        text,
        strict=False,
        object_pairs_hook=pairs,
        parse_float=_float,
        parse_int=_int,
        parse_constant=str,
    )


def _float(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _int(text: str) -> int | str:
    return text if len(text) > _DIGITS else int(text)


def fingerprint(name: str, revision: int, raw: bytes, *more: bytes) -> str:
    """SHA-256 in hex of the exact bytes that a record is made of, and of the adapter that makes it.

    Args:
        name: The adapter's name.
        revision: Grows when the adapter makes something else of the same bytes.
        raw: The record.
        more: Whatever else decides the outcome.
    """
    digest = sha256(f"{name}\0{revision}\0".encode())
    for piece in (raw, *more):
        # Lengths keep ("ab", "c") from ("a", "bc").
        digest.update(len(piece).to_bytes(8, "big"))
        digest.update(piece)
    return digest.hexdigest()
