"""Text that every engine can store: no NUL, no lone surrogate.

Both come from sources that cut UTF-16 in half or dump binary output. They become U+FFFD; what stood there is returned
as ``[[offset, escape], ...]``, so that the original can be put together again.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeVar

import msgspec

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

_encode = msgspec.json.Encoder().encode
S = TypeVar("S", bound=msgspec.Struct)

Cuts = dict[str, list[list[Any]]]
"""By JSON-pointer-like path: offset (in code points) and JSON escape of each character that was replaced."""


def storable(record: S) -> S:
    """The record with text that every engine can store; what was replaced is noted in ``extra["chatkeep"]``.

    Args:
        record: A value with a field ``extra`` that is a dict, e.g. a Message.
    """
    try:
        if b"\\u0000" not in _encode(record):
            return record
    except UnicodeEncodeError:
        pass
    cuts: Cuts = {}
    plain = clean_value(msgspec.to_builtins(record, builtin_types=(datetime,)), cuts)
    if not cuts:  # the text spells an escape, it does not hold a NUL
        return record
    extra = plain.get("extra", {})
    ours = extra.get("chatkeep")
    notes = ours if isinstance(ours, dict) else {} if ours is None else {"found": ours}
    plain["extra"] = {**extra, "chatkeep": {**notes, "replaced_characters": cuts}}
    return msgspec.convert(plain, type(record))


def clean_text(text: str) -> tuple[str, list[list[Any]]]:
    """The storable text, and what was replaced in it (usually nothing)."""
    cuts = [[match.start(), f"\\u{ord(match.group()):04x}"] for match in _UNSTORABLE.finditer(text)]
    return (_UNSTORABLE.sub("\ufffd", text), cuts) if cuts else (text, cuts)


def clean_value(value: Any, cuts: Cuts, path: str = "") -> Any:
    """A copy of a JSON-like value (dict, list, tuple, str, ...) with storable text only; ``cuts`` collects the rest.

    Iterative in effect: values nest no deeper than the decoders allow.
    """
    if isinstance(value, str):
        cleaned, found = clean_text(value)
        if found:
            cuts[path] = found
        return cleaned
    if isinstance(value, dict):
        return _clean_mapping(value, cuts, path)
    if isinstance(value, list | tuple):
        return [clean_value(item, cuts, f"{path}/{index}") for index, item in enumerate(value)]
    return value


def _clean_mapping(value: dict[Any, Any], cuts: Cuts, path: str) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    twins: dict[str, int] = {}
    for key, item in value.items():
        plain, found = clean_text(str(key))
        name = plain
        # Two keys that become one would lose a value.
        while name in cleaned or (name != key and name in value):
            twins[plain] = twins.get(plain, 1) + 1
            name = f"{plain}~{twins[plain]}"
        if found:
            cuts[f"{path}/{name}/(key)"] = found
        cleaned[name] = clean_value(item, cuts, f"{path}/{name}")
    return cleaned
