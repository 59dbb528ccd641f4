"""Statistics of what is kept, without the trash."""

from __future__ import annotations

from typing import Any

import msgspec

from chatkeep.model import Usage, from_us
from chatkeep.store import Store
from chatkeep.store.engine import Transaction

_LIVE = "FROM conversation AS c WHERE c.owner = :owner AND c.trashed_at IS NULL"
_MESSAGES = (
    "FROM message AS m JOIN conversation AS c ON c.owner = m.owner AND c.pk = m.conversation_pk"
    " WHERE m.owner = :owner AND c.trashed_at IS NULL"
)
_DAY_US = 1_000_000 * 86_400


class Line(msgspec.Struct, frozen=True):
    """Counts of one source, model or month."""

    conversations: int = 0
    messages: int = 0
    tokens: int = 0
    cost_nanos: int | None = None


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
    counted = store.engine.read(lambda tx: _counts(tx, store.owner))
    return Stats(
        **counted,
        by_source=store.engine.read(lambda tx: _by_source(tx, store.owner)),
        by_model=store.engine.read(lambda tx: _by_model(tx, store.owner)),
        by_month=store.engine.read(lambda tx: _by_month(tx, store.owner)),
        sizes=store.engine.sizes(),
    )


def _counts(tx: Transaction, owner: str) -> dict[str, Any]:
    key = {"owner": owner}
    row = (
        tx.row(
            "SELECT count(*), coalesce(sum(message_count), 0), coalesce(sum(input_tokens), 0),"
            " coalesce(sum(output_tokens), 0), coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),"
            f" coalesce(sum(reasoning_tokens), 0), sum(cost_nanos) {_LIVE}",
            key,
        )
        or (0,) * 8
    )
    attachments = tx.row(
        "SELECT count(*), coalesce(sum(size_bytes), 0) FROM attachment AS a WHERE a.owner = :owner"
        f" AND a.pk IN (SELECT l.attachment_pk FROM message_attachment AS l WHERE l.owner = :owner"
        f" AND l.message_pk IN (SELECT m.pk {_MESSAGES}))",
        key,
    ) or (0, 0)
    return {
        "conversations": row[0],
        "messages": row[1],
        "usage": Usage(input=row[2], output=row[3], cache_read=row[4], cache_write=row[5], reasoning=row[6]),
        "cost_nanos": row[7],
        "attachments": attachments[0],
        "attachment_bytes": attachments[1],
        "projects": _count(tx, "SELECT count(*) FROM project WHERE owner = :owner", owner),
        "tags": _count(tx, "SELECT count(*) FROM tag WHERE owner = :owner", owner),
        "trashed": _count(
            tx, "SELECT count(*) FROM conversation WHERE owner = :owner AND trashed_at IS NOT NULL", owner
        ),
    }


def _count(tx: Transaction, sql: str, owner: str) -> int:
    row = tx.row(sql, {"owner": owner})
    return int(row[0]) if row else 0


def _by_source(tx: Transaction, owner: str) -> dict[str, Line]:
    rows = tx.rows(
        "SELECT coalesce(c.source_format, 'chatkeep'), count(*), sum(c.message_count),"
        " sum(c.input_tokens + c.output_tokens + c.cache_read_tokens + c.cache_write_tokens), sum(c.cost_nanos)"
        f" {_LIVE} GROUP BY 1 ORDER BY 2 DESC, 1",
        {"owner": owner},
    )
    return {row[0]: Line(*row[1:]) for row in rows}


_TOKENS = (
    "sum(coalesce(m.input_tokens, 0) + coalesce(m.output_tokens, 0) + coalesce(m.cache_read_tokens, 0)"
    " + coalesce(m.cache_write_tokens, 0))"
)


def _by_model(tx: Transaction, owner: str) -> dict[str, Line]:
    rows = tx.rows(
        f"SELECT m.model, count(DISTINCT m.conversation_pk), count(*), {_TOKENS}, sum(m.cost_nanos) {_MESSAGES}"
        " AND m.model IS NOT NULL GROUP BY m.model ORDER BY 3 DESC, 1",
        {"owner": owner},
    )
    return {row[0]: Line(*row[1:]) for row in rows}


def _by_month(tx: Transaction, owner: str) -> dict[str, Line]:
    # By day in SQL, which every engine can; by month here, which needs a calendar.
    rows = tx.rows(
        f"SELECT m.created_at / {_DAY_US}, count(*), {_TOKENS}, sum(m.cost_nanos) {_MESSAGES} GROUP BY 1 ORDER BY 1",
        {"owner": owner},
    )
    started = tx.rows(
        f"SELECT c.created_at / {_DAY_US}, count(*) {_LIVE} GROUP BY 1",
        {"owner": owner},
    )
    months: dict[str, Line] = {}
    for day, count, tokens, cost in rows:
        name = f"{from_us(day * _DAY_US):%Y-%m}"
        old = months.get(name, Line())
        total = old.cost_nanos if cost is None else (old.cost_nanos or 0) + cost
        months[name] = Line(0, old.messages + count, old.tokens + tokens, total)
    for day, count in started:
        name = f"{from_us(day * _DAY_US):%Y-%m}"
        old = months.get(name, Line())
        months[name] = msgspec.structs.replace(old, conversations=old.conversations + count)
    return dict(sorted(months.items()))
