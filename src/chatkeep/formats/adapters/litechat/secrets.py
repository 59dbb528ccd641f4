"""Keys and passwords that lie among what is kept without being understood."""

from __future__ import annotations

import re
from typing import Any

_SECRET = re.compile(
    r"(?:api|access|auth|bearer|private|refresh|secret)[_-]?(?:key|token)s?|(?:client[_-]?)?secret"
    r"|password|authorization|cookie|gitGlobalPat",
    re.IGNORECASE,
)


def without_secrets(value: dict[str, Any]) -> dict[str, Any]:
    """A copy without what is named like a secret, at any depth: the app's open objects may hold anything."""
    copied: dict[str, Any] = {}
    pending: list[tuple[Any, Any]] = [(value, copied)]
    while pending:
        source, target = pending.pop()
        entries = source.items() if isinstance(source, dict) else enumerate(source)
        for key, item in entries:
            if isinstance(source, dict) and _SECRET.fullmatch(str(key)):
                continue
            kept: Any = {} if isinstance(item, dict) else [] if isinstance(item, list) else item
            if kept is not item:
                pending.append((item, kept))
            if isinstance(target, dict):
                target[key] = kept
            else:
                target.append(kept)
    return copied
