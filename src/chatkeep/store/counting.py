"""Counters of a conversation that are derived from its messages."""

from __future__ import annotations

from typing import Any

from chatkeep.encoding import encode_json
from chatkeep.model import Message
from chatkeep.store.engine import Transaction
from chatkeep.store.rows import decode_message, names_json, names_of, preview_of

_SUMS = (
    "SELECT count(*), coalesce(max(seq), 0), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),"
    " coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0), coalesce(sum(reasoning_tokens), 0),"
    " sum(cost_nanos) FROM message WHERE owner = :owner AND conversation_pk = :pk"
)
_NAMES = ("count", "seq", "input", "output", "cache_read", "cache_write", "reasoning", "cost")
_UPDATE = (
    "UPDATE conversation SET message_count = :count, preview = :preview,"
    " last_seq = CASE WHEN last_seq < :seq THEN :seq ELSE last_seq END,"
    " input_tokens = :input, output_tokens = :output, cache_read_tokens = :cache_read,"
    " cache_write_tokens = :cache_write, reasoning_tokens = :reasoning, cost_nanos = :cost, models = :models"
)
# A preview is looked for among the last messages of the branch shown; tool calls and results may stand behind it.
_PREVIEW_DEPTH = 200


def recount(
    tx: Transaction, owner: str, pk: int, *, head_id: str | None = None, messages: list[Message] | None = None
) -> None:
    """Recompute the counters; with ``messages`` (all there are, just inserted) without reading them back.

    ``head_id`` also becomes the head, unless it is None.
    """
    key = {"owner": owner, "pk": pk}
    if messages is not None:
        values = dict(zip(_NAMES, _sums_of(messages), strict=True))
        models = sorted({message.model for message in messages if message.model is not None})
        preview = _preview_of(messages, head_id)
    else:
        values = dict(zip(_NAMES, tx.row(_SUMS, key) or (), strict=True))
        rows = tx.rows(
            "SELECT model FROM conversation_model WHERE owner = :owner AND conversation_pk = :pk ORDER BY model", key
        )
        models = [row[0] for row in rows]
        preview = read_preview(tx, owner, pk)
    sql = f"{_UPDATE}{', head_id = :head_id' if head_id is not None else ''} WHERE owner = :owner AND pk = :pk"
    params: dict[str, Any] = key | values
    params |= {"preview": preview, "models": encode_json(models) if models else None, "head_id": head_id}
    tx.run(sql, params)


def _sums_of(messages: list[Message]) -> tuple[int | None, ...]:
    usages = [message.usage for message in messages if message.usage is not None]
    costs = [message.cost_nanos for message in messages if message.cost_nanos is not None]
    return (
        len(messages),
        len(messages),
        sum(usage.input for usage in usages),
        sum(usage.output for usage in usages),
        sum(usage.cache_read for usage in usages),
        sum(usage.cache_write for usage in usages),
        sum(usage.reasoning for usage in usages),
        sum(costs) if costs else None,
    )


def _preview_of(messages: list[Message], head_id: str | None) -> str:
    wanted = head_id
    for message in reversed(messages):
        if message.id == wanted:
            preview = preview_of(message)
            if preview:
                return preview
            wanted = message.parent_id
    return ""


def read_preview(tx: Transaction, owner: str, pk: int) -> str:
    """The preview as it follows from the last messages of the branch shown; where they say nothing, the old one."""
    key = {"owner": owner, "pk": pk}
    row = tx.row("SELECT head_id, preview FROM conversation WHERE owner = :owner AND pk = :pk", key)
    wanted, preview_before = row or (None, "")
    for _ in range(_PREVIEW_DEPTH):
        if wanted is None:
            return ""
        found = tx.row("SELECT body FROM message WHERE owner = :owner AND id = :id", {"owner": owner, "id": wanted})
        if found is None:
            break
        message = decode_message(found[0])
        preview = preview_of(message)
        if preview:
            return preview
        wanted = message.parent_id
    return str(preview_before)


_STORED = (
    "SELECT message_count, last_seq, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " reasoning_tokens, cost_nanos, models, tags, head_id FROM conversation WHERE owner = :owner AND pk = :pk"
)
_MODELS = (
    "SELECT DISTINCT model FROM message WHERE owner = :owner AND conversation_pk = :pk AND model IS NOT NULL"
    " ORDER BY model"
)
_TAGS = (
    "SELECT t.name FROM conversation_tag AS l JOIN tag AS t ON t.owner = l.owner AND t.pk = l.tag_pk"
    " WHERE l.owner = :owner AND l.conversation_pk = :pk ORDER BY t.name"
)
_LINKED_MODELS = "SELECT model FROM conversation_model WHERE owner = :owner AND conversation_pk = :pk ORDER BY model"


def wrong_counters(tx: Transaction, owner: str, pk: int) -> list[str]:
    """Names of derived fields that do not follow from the conversation's messages and links."""
    key = {"owner": owner, "pk": pk}
    stored, sums = tx.row(_STORED, key), tx.row(_SUMS, key)
    if stored is None or sums is None:
        return []
    wrong = [name for name, old, new in zip(_NAMES, stored, sums, strict=False) if old != new and name != "seq"]
    if stored[1] < sums[1]:
        wrong.append("seq")
    models = [row[0] for row in tx.rows(_MODELS, key)]
    if list(names_of(stored[8])) != models or [row[0] for row in tx.rows(_LINKED_MODELS, key)] != models:
        wrong.append("models")
    if sorted(names_of(stored[9])) != sorted(row[0] for row in tx.rows(_TAGS, key)):
        wrong.append("tags")
    if not _has_head(tx, owner, pk, stored[10], empty=sums[0] == 0):
        wrong.append("head_id")
    return wrong


def _has_head(tx: Transaction, owner: str, pk: int, head_id: str | None, *, empty: bool) -> bool:
    if head_id is None:
        return empty
    key = {"owner": owner, "pk": pk, "id": head_id}
    return tx.row("SELECT 1 FROM message WHERE owner = :owner AND id = :id AND conversation_pk = :pk", key) is not None


def relink(tx: Transaction, owner: str, pk: int) -> None:
    """Make the links to models, the column of tags and a head that dangles anew."""
    key = {"owner": owner, "pk": pk}
    models = [row[0] for row in tx.rows(_MODELS, key)]
    tx.run("DELETE FROM conversation_model WHERE owner = :owner AND conversation_pk = :pk", key)
    tx.many(
        "INSERT INTO conversation_model (owner, model, conversation_pk) VALUES (:owner, :model, :pk)",
        [key | {"model": model} for model in models],
    )
    tx.run(
        "UPDATE conversation SET tags = :tags WHERE owner = :owner AND pk = :pk",
        key | {"tags": names_json([row[0] for row in tx.rows(_TAGS, key)])},
    )
    stored = tx.row(_STORED, key)
    if stored is not None and not _has_head(tx, owner, pk, stored[10], empty=False):
        tx.run(
            "UPDATE conversation SET head_id = (SELECT id FROM message WHERE owner = :owner AND conversation_pk = :pk"
            " ORDER BY seq DESC LIMIT 1) WHERE owner = :owner AND pk = :pk",
            key,
        )
