"""A page of a list."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items of a list, and where it goes on; ``next`` is None at its end and opaque otherwise."""

    items: list[T]
    next: str | None = None
