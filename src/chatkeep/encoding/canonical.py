"""JSON as Chatkeep writes it."""

from __future__ import annotations

from typing import Any

import msgspec

_canonical = msgspec.json.Encoder(order="sorted")
_plain = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def canonical_bytes(value: Any) -> bytes:
    """The one JSON form of a value: keys sorted at every level, no spaces, UTF-8, fields at their default left out.

    Raises:
        UnicodeEncodeError: A lone surrogate; clean the value first.
    """
    return _canonical.encode(value)


def encode_json(value: Any) -> str:
    """JSON text of a value, keys in their given order."""
    return _plain.encode(value).decode()


def decode_json(text: str | bytes) -> Any:
    """The value of JSON text that Chatkeep wrote."""
    return _decoder.decode(text)
