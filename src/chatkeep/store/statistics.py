"""Statistics of one owner, without the trash."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chatkeep.model import Usage, from_us
from chatkeep.store.engine import Engine, Transaction

_LIVE = "FROM conversation AS c WHERE c.owner = :owner AND c.trashed_at IS NULL"
_MESSAGES = (
    "FROM message AS m JOIN conversation AS c ON c.owner = m.owner AND c.pk = m.conversation_pk"
    # The owner as an expression: over an index of owners each step would read all of the owner's messages.
    " WHERE m.owner || '' = :owner AND c.trashed_at IS NULL"
)
_DAY_US: Final = 1_000_000 * 86_400
# One pass reads so many messages per transaction: well below a second.
_STEP: Final = 50_000


class Line(msgspec.Struct, frozen=True):
    """Counts of one source, model or month."""

    conversations: int = 0
    messages: int = 0
    tokens: int = 0
    cost_nanos: int | None = None

    def plus(self, *, conversations: int = 0, messages: int = 0, tokens: int = 0, cost: int | None = None) -> Line:
        """With more counted; an unknown cost adds nothing."""
        total = self.cost_nanos if cost is None else (self.cost_nanos or 0) + cost
        return Line(self.conversations + conversations, self.messages + messages, self.tokens + tokens, total)


def totals(tx: Transaction, owner: str) -> dict[str, Any]:
    """Counts and sums over everything."""
    key = {"owner": owner}
    row = (
        tx.row(
            "SELECT count(*), coalesce(sum(message_count), 0), coalesce(sum(input_tokens), 0),"
            " coalesce(sum(output_tokens), 0), coalesce(sum(cache_read_tokens), 0),"
            " coalesce(sum(cache_write_tokens), 0),"
            f" coalesce(sum(reasoning_tokens), 0), sum(cost_nanos) {_LIVE}",
            key,
        )
        or (0,) * 8
    )
    attachments = tx.row(
        "SELECT count(*), coalesce(sum(size_bytes), 0) FROM attachment AS a WHERE a.owner = :owner AND EXISTS"
        " (SELECT 1 FROM message_attachment AS l JOIN message AS m ON m.pk = l.message_pk"
        " JOIN conversation AS c ON c.owner = m.owner AND c.pk = m.conversation_pk"
        " WHERE l.owner = a.owner AND l.attachment_pk = a.pk AND c.trashed_at IS NULL)",
        key,
    ) or (0, 0)
    return {
        "conversations": row[0],
        "messages": row[1],
        "usage": Usage(input=row[2], output=row[3], cache_read=row[4], cache_write=row[5], reasoning=row[6]),
        "cost_nanos": row[7],
        "attachments": attachments[0],
        "attachment_bytes": attachments[1],
        "projects": _count(tx, "project WHERE owner = :owner", owner),
        "tags": _count(tx, "tag WHERE owner = :owner", owner),
        "trashed": _count(tx, "conversation WHERE owner = :owner AND trashed_at IS NOT NULL", owner),
    }


def _count(tx: Transaction, of: str, owner: str) -> int:
    row = tx.row(f"SELECT count(*) FROM {of}", {"owner": owner})
    return int(row[0]) if row else 0


def by_source(tx: Transaction, owner: str) -> dict[str, Line]:
    """By the format that conversations were imported from; what was born here counts as ``chatkeep``."""
    rows = tx.rows(
        "SELECT coalesce(c.source_format, 'chatkeep'), count(*), sum(c.message_count),"
        " sum(c.input_tokens + c.output_tokens + c.cache_read_tokens + c.cache_write_tokens), sum(c.cost_nanos)"
        f" {_LIVE} GROUP BY 1 ORDER BY 2 DESC, 1",
        {"owner": owner},
    )
    return {row[0]: Line(*row[1:]) for row in rows}


def by_model_and_month(engine: Engine, owner: str) -> tuple[dict[str, Line], dict[str, Line]]:
    """By the model that speaks, and by the month (UTC) of messages and of the beginning of conversations.

    One pass over the messages, in steps that each read one state of the store.
    """
    models: dict[str, Line] = {}
    months: dict[str, Line] = {}
    for model, day, messages, tokens, cost in _by_day(engine, owner):
        month = f"{from_us(day * _DAY_US):%Y-%m}"
        months[month] = months.get(month, Line()).plus(messages=messages, tokens=tokens, cost=cost)
        if model is not None:
            models[model] = models.get(model, Line()).plus(messages=messages, tokens=tokens, cost=cost)
    for model, count in engine.read(lambda tx: _conversations_by_model(tx, owner)):
        models[model] = models.get(model, Line()).plus(conversations=count)
    for day, count in engine.read(lambda tx: _conversations_by_day(tx, owner)):
        month = f"{from_us(day * _DAY_US):%Y-%m}"
        months[month] = months.get(month, Line()).plus(conversations=count)
    ordered = sorted(models.items(), key=lambda item: (-item[1].messages, item[0]))
    return dict(ordered), dict(sorted(months.items()))


def _by_day(engine: Engine, owner: str) -> list[tuple[Any, ...]]:
    last = engine.read(lambda tx: tx.row("SELECT coalesce(max(pk), 0) FROM message"))
    found: list[tuple[Any, ...]] = []
    for after in range(0, int(last[0]) if last else 0, _STEP):
        key = {"owner": owner, "after": after, "last": after + _STEP}
        found += engine.read(lambda tx, key=key: tx.rows(STEP_SQL, key))  # type: ignore[misc]  # a lambda with a default
    return found


# By day in SQL, which every engine can; by month in Python, which knows the calendar.
STEP_SQL = (
    f"SELECT m.model, m.created_at / {_DAY_US}, count(*), sum(coalesce(m.input_tokens, 0)"
    " + coalesce(m.output_tokens, 0) + coalesce(m.cache_read_tokens, 0) + coalesce(m.cache_write_tokens, 0)),"
    f" sum(m.cost_nanos) {_MESSAGES} AND m.pk > :after AND m.pk <= :last GROUP BY 1, 2"
)


def _conversations_by_model(tx: Transaction, owner: str) -> list[tuple[Any, ...]]:
    return tx.rows(
        "SELECT l.model, count(*) FROM conversation_model AS l"
        " JOIN conversation AS c ON c.owner = l.owner AND c.pk = l.conversation_pk"
        " WHERE l.owner = :owner AND c.trashed_at IS NULL GROUP BY l.model",
        {"owner": owner},
    )


def _conversations_by_day(tx: Transaction, owner: str) -> list[tuple[Any, ...]]:
    return tx.rows(f"SELECT c.created_at / {_DAY_US}, count(*) {_LIVE} GROUP BY 1", {"owner": owner})
