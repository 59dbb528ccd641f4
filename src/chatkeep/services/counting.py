"""Statistics of what is kept, without the trash."""

from __future__ import annotations

import msgspec

from chatkeep.model import Usage
from chatkeep.store import Store
from chatkeep.store.statistics import Line, by_model_and_month, by_source, totals


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What a store holds. Costs are nano-dollars, None where no cost is known; months are UTC, ``2026-03``."""

    conversations: int
    messages: int
    attachments: int
    projects: int
    tags: int
    trashed: int
    usage: Usage
    cost_nanos: int | None
    attachment_bytes: int
    by_source: dict[str, Line]
    by_model: dict[str, Line]
    by_month: dict[str, Line]
    sizes: dict[str, int]


def stats(store: Store) -> Stats:
    """Count everything of the store's owner; the months and models cost one pass over the messages."""
    counted = store.engine.read(lambda tx: totals(tx, store.owner))
    models, months = by_model_and_month(store.engine, store.owner)
    return Stats(
        **counted,
        by_source=store.engine.read(lambda tx: by_source(tx, store.owner)),
        by_model=models,
        by_month=months,
        sizes=store.engine.sizes(),
    )
