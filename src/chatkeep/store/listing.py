"""The lists of conversations: one query per combination of filters, each over an index, with keyset cursors."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from chatkeep.errors import UsageError
from chatkeep.model import ConversationSummary, Page, to_us
from chatkeep.store.cursors import cursor_position, cursor_text, page_size
from chatkeep.store.engine import Transaction
from chatkeep.store.tags import name_key

Order = Literal["updated", "created"]

# In the order of ConversationSummary's fields; the pk behind them is the tie-break of the cursor.
_COLUMNS = (
    "c.id, c.title, {project}, c.kind, c.source_format, c.pinned, c.archived, c.trashed_at,"
    " c.created_at, c.updated_at, c.message_count, c.preview, c.cost_nanos, c.tags, c.pk"
)
# A subquery, not a join: it runs for the rows of the page only, and only where there is a project.
_PROJECT = "CASE WHEN c.project_pk IS NULL THEN NULL ELSE (SELECT p.id FROM project AS p WHERE p.pk = c.project_pk) END"
_SELECT = f"SELECT {_COLUMNS.format(project=_PROJECT)} FROM conversation AS c"
_FIELDS = len(ConversationSummary.__struct_fields__)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations a list shows; None leaves a field open.

    Times bound what the list is ordered by: ``since`` is within, ``until`` is not.
    """

    project_id: str | None = None
    source: str | None = None
    model: str | None = None
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    trashed: bool = False
    pinned: bool | None = None
    archived: bool | None = None
    order: Order = "updated"


def list_page(
    tx: Transaction, owner: str, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[ConversationSummary]:
    """One page, newest first."""
    size = page_size(limit)
    sql, params = list_query(owner, wanted, cursor)
    rows = tx.rows(f"{sql} LIMIT :size", params | {"size": size})
    items = [ConversationSummary(*row[:_FIELDS]) for row in rows]
    if len(rows) < size:
        return Page(items, None)
    last = items[-1]
    time = last.trashed_us if wanted.trashed else last.created_us if wanted.order == "created" else last.updated_us
    return Page(items, cursor_text(_list_name(wanted), time, rows[-1][-1]))


def list_query(owner: str, wanted: Filter, cursor: str | None) -> tuple[str, dict[str, Any]]:
    """The statement (without its LIMIT) and its parameters."""
    if wanted.order not in ("updated", "created"):
        raise UsageError(f"unknown order {wanted.order!r}: updated or created")
    time = "c.trashed_at" if wanted.trashed else f"c.{wanted.order}_at"
    where = ["c.owner = :owner", f"c.trashed_at IS {'NOT ' if wanted.trashed else ''}NULL"]
    params: dict[str, Any] = {"owner": owner}
    for field, condition in _CONDITIONS.items():
        value = getattr(wanted, field)
        if value is not None:
            where.append(condition.format(time=time))
            params[field] = _parameter(field, value)
    if cursor is not None:
        params["at"], params["pk"] = cursor_position(cursor, _list_name(wanted), (int, int))
        where.append(f"({time}, c.pk) < (:at, :pk)")
    return f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY {time} DESC, c.pk DESC", params


_CONDITIONS = {
    "project_id": "c.project_pk = (SELECT pk FROM project WHERE owner = :owner AND id = :project_id)",
    "source": "c.source_format = :source",
    "model": "c.pk IN (SELECT conversation_pk FROM conversation_model WHERE owner = :owner AND model = :model)",
    "tag": (
        "c.pk IN (SELECT conversation_pk FROM conversation_tag WHERE owner = :owner"
        " AND tag_pk = (SELECT pk FROM tag WHERE owner = :owner AND name_key = :tag))"
    ),
    "since": "{time} >= :since",
    "until": "{time} < :until",
    "pinned": "c.pinned = :pinned",
    "archived": "c.archived = :archived",
}


def _parameter(field: str, value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise UsageError(f"{field} has no time zone")
        return to_us(value)
    if isinstance(value, bool):
        return int(value)
    return name_key(value) if field == "tag" else value


def _list_name(wanted: Filter) -> str:
    return f"conversations-{'trash' if wanted.trashed else wanted.order}"
