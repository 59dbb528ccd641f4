"""One placed row of `messages` as a message."""

from __future__ import annotations

from typing import Any

from chatkeep.formats.protocol import SourceMessage
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import Status, Usage, to_nanos

from .blocks import is_user
from .content import Material, body_of
from .model_names import ModelConfigs
from .tables import Row
from .thread import Placed, id_of


def message_of(placed: Placed, material: Material, configs: ModelConfigs, problems: Problems) -> SourceMessage:
    """Make a message; what has no field goes to ``extra`` under the column's name."""
    row = placed.row
    source_id = id_of(row)
    fields = Fields(row, problems.at(f"message {source_id}"))
    fields.ignore("id", "chat_id", "message_set_id", "level", "selected", "block_type", "is_review", "state")
    user = is_user(row)
    body = body_of(fields, source_id, material, user=user)
    extra = {**body.extra, **_placement(placed, user=user)}
    name = configs.name(fields.text("model") or "")
    if not user and row.get("model") != name.config_id:
        extra["model"] = row.get("model")
    usage = _usage(fields, extra)
    cost = _cost(fields, extra)
    return SourceMessage(
        source_id=source_id,
        parent_id=placed.parent_id,
        role="user" if user else "assistant",
        parts=body.parts,
        created_at=fields.time_from_iso("created_at"),
        model=None if user else name.model,
        provider=None if user else name.provider,
        status=_status(row, user=user, interrupted=body.is_interrupted),
        reply_set=placed.reply_set,
        reply_index=placed.reply_index,
        selected=placed.selected,
        usage=usage,
        cost_nanos=cost,
        priced_by=None if cost is None else "source",
        extra={**fields.rest(), **extra},
    )


def _status(row: Row, *, user: bool, interrupted: bool) -> Status:
    if row.get("error_message"):
        return "failed"
    # The state of a user's message means nothing: the app leaves it at `streaming` until the next turn.
    return "interrupted" if not user and (interrupted or row.get("state") == "streaming") else "complete"


def _usage(fields: Fields, extra: dict[str, Any]) -> Usage | None:
    counts: dict[str, int] = {}
    for column in ("prompt_tokens", "completion_tokens", "total_tokens"):
        count = fields.integer(column)
        if count is not None and count < 0:
            fields.problems.add(column, "a negative number of tokens")
            extra[column] = count
        elif count is not None:
            counts[column] = count
    if not counts:
        return None
    usage = Usage(input=counts.get("prompt_tokens", 0), output=counts.get("completion_tokens", 0))
    if counts.get("total_tokens", usage.total) != usage.total:
        extra["total_tokens"] = counts["total_tokens"]
    return usage


def _cost(fields: Fields, extra: dict[str, Any]) -> int | None:
    dollars = fields.number("cost_usd")
    if dollars is None:
        return None
    try:
        return to_nanos(dollars)
    except ValueError:
        fields.problems.add("cost_usd", "out of range")
        extra["cost_usd"] = dollars
        return None


def _placement(placed: Placed, *, user: bool) -> dict[str, Any]:
    """What it takes to put the message back into its set: only what its place in the tree does not say."""
    row, message_set = placed.row, placed.message_set
    extra: dict[str, Any] = {}
    shown = None
    if message_set is None:
        extra["message_set_id"] = row.get("message_set_id")
    else:
        shown = message_set.get("selected_block_type")
        extra["message_set"] = _set_columns(message_set, row, user=user)
    if row.get("block_type") != shown:
        extra["block_type"] = row.get("block_type")
    if row.get("level") not in (None, placed.reply_index):
        extra["level"] = row["level"]
    if row.get("selected") not in (None, int(placed.selected)):
        extra["selected"] = row["selected"]
    if row.get("is_review") != 0:
        extra["is_review"] = row.get("is_review")
    if row.get("state") not in (("idle", "streaming") if user else ("idle",)):
        extra["state"] = row.get("state")
    if user and row.get("model") != "user":
        extra["model"] = row.get("model")
    return {key: value for key, value in extra.items() if value is not None}


def _set_columns(message_set: Row, row: Row, *, user: bool) -> dict[str, Any]:
    derivable = {
        "chat_id": message_set.get("chat_id"),
        "type": "user" if user else "ai",
        "created_at": row.get("created_at"),
    }
    return {
        column: value
        for column, value in message_set.items()
        if value is not None and not (column in derivable and derivable[column] == value)
    }
