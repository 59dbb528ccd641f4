"""Where an imported record came from."""

from __future__ import annotations

import msgspec


class SourceKey(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which record of which source something was imported from.

    ``scope`` is empty if the format's ids are unique everywhere, else the conversation or account that they are
    unique in. As JSON it is the array of the three.
    """

    format: str
    scope: str
    source_id: str
