"""The library: what conversations are filed under."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from chatkeep.model.source import SourceKey


class Project(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A folder of conversations, in a tree. ``instructions`` go before each of its conversations."""

    id: str
    name: str
    parent_id: str | None = None
    description: str | None = None
    instructions: str | None = None
    created_at: datetime
    updated_at: datetime
    source: SourceKey | None = None
    version: int = 1
    extra: dict[str, Any] = {}


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag and how many conversations outside the trash carry it."""

    name: str
    count: int
