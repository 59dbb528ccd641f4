"""The live rows behind what the index found: what is gone, trashed or somebody else's is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from chatkeep.store.engine import Engine, Row, Transaction
from chatkeep.store.search.document import document
from chatkeep.store.search.query import Filters
from chatkeep.store.search.tokens import plain
from chatkeep.store.sqlite.search.batch import PAGE_BYTES
from chatkeep.store.sqlite.search.schema import BLOCK_BITS

MAX_CONVERSATIONS = 20_000
"""So many conversations are handed to the index as a condition; of more, hits are looked at one by one."""

_CONVERSATION = (
    " c.pk, c.id, c.title, c.source_format, p.id FROM {from_} LEFT JOIN project AS p"
    " ON p.owner = c.owner AND p.pk = c.project_pk WHERE c.owner = :owner AND c.trashed_at IS NULL"
)
_MESSAGES = (
    "SELECT m.pk, m.id, m.role, m.model, m.created_at, m.hidden, octet_length(m.body),"
    + _CONVERSATION.format(
        from_="json_each(:pks) AS j CROSS JOIN message AS m ON m.pk = j.value"
        " CROSS JOIN conversation AS c ON c.pk = m.conversation_pk AND c.owner = m.owner"
    )
    + " AND m.status <> 'streaming'"
)
_TITLES = (
    "SELECT -c.pk, NULL, NULL, NULL, c.created_at, 0, 0,"
    + _CONVERSATION.format(from_="json_each(:pks) AS j CROSS JOIN conversation AS c ON c.pk = -j.value")
    + " AND c.title <> ''"
)
_BODIES = "SELECT pk, body FROM message WHERE pk IN (SELECT value FROM json_each(:pks))"
_CONVERSATIONS = "SELECT c.pk FROM conversation AS c WHERE c.owner = :owner AND c.trashed_at IS NULL"
_BLOCKS = (
    "SELECT DISTINCT m.pk >> :bits FROM json_each(:pks) AS j CROSS JOIN message AS m"
    " ON m.owner = :owner AND m.conversation_pk = j.value"
)


class LiveRow(NamedTuple):
    """A document that is there to be seen."""

    pk: int
    message_id: str | None
    role: str | None
    model: str | None
    created_at: int
    hidden: int
    size_bytes: int
    conversation_pk: int
    conversation_id: str
    title: str | None
    source: str | None
    project_id: str | None


class Scope(NamedTuple):
    """What filters on conversations come to: the ones that fit, and the blocks that hold what is in them.

    ``pks`` is None if they are too many to list; then ``fits`` decides.
    """

    pks: list[int] | None
    blocks: frozenset[int] | None
    sql: str
    params: dict[str, Any]


def scope(engine: Engine, owner: str, filters: Filters) -> Scope | None:
    """The conversations that filters on project, tag and source allow; None when there are no such filters."""
    if not (
        filters.project or filters.not_project or filters.tag or filters.not_tag or filters.source or filters.not_source
    ):
        return None

    def work(tx: Transaction) -> Scope:
        sql, params = _scope_sql(tx, owner, filters)
        rows = tx.rows(f"{_CONVERSATIONS}{sql} LIMIT :most", {"owner": owner, "most": MAX_CONVERSATIONS + 1, **params})
        if len(rows) > MAX_CONVERSATIONS:
            return Scope(None, None, sql, params)
        pks = [row[0] for row in rows]
        found = tx.rows(_BLOCKS, {"owner": owner, "bits": BLOCK_BITS, "pks": json.dumps(pks)})
        blocks = {row[0] for row in found} | {-pk >> BLOCK_BITS for pk in pks}
        return Scope(pks, frozenset(blocks), sql, params)

    return engine.read(work)


def live_rows(
    engine: Engine, owner: str, pks: Sequence[int], *, only: Scope | None, hidden: bool
) -> dict[int, LiveRow]:
    """Those of these documents that can be seen, by their numbers."""
    sql, params = (only.sql, only.params) if only is not None and only.pks is None else ("", {})
    messages = json.dumps([pk for pk in pks if pk > 0])
    titles = json.dumps([pk for pk in pks if pk < 0])

    def work(tx: Transaction) -> list[Row]:
        found = tx.rows(_MESSAGES + sql, {"owner": owner, "pks": messages, **params}) if messages != "[]" else []
        return found + (tx.rows(_TITLES + sql, {"owner": owner, "pks": titles, **params}) if titles != "[]" else [])

    rows = (LiveRow(*row) for row in engine.read(work))
    return {row.pk: row for row in rows if hidden or not row.hidden}


def texts(engine: Engine, rows: Sequence[LiveRow]) -> Iterator[tuple[LiveRow, str]]:
    """Each of these documents with its searched text; those that have gone meanwhile are left out.

    Only so many bodies are in memory at once as fit a page.
    """
    at = 0
    while at < len(rows):
        start, total = at, 0
        while at < len(rows) and (at == start or total + rows[at].size_bytes <= PAGE_BYTES):
            total += rows[at].size_bytes
            at += 1
        found = _bodies(engine, [row.pk for row in rows[start:at] if row.message_id is not None])
        for row in rows[start:at]:
            if row.message_id is None:
                yield row, row.title or ""
            elif row.pk in found:
                yield row, document(found[row.pk]).text


def _bodies(engine: Engine, pks: Sequence[int]) -> dict[int, str]:
    given = {"pks": json.dumps(pks)}
    return dict(engine.read(lambda tx: tx.rows(_BODIES, given)) if pks else [])


def _scope_sql(tx: Transaction, owner: str, filters: Filters) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {}
    sql = ""
    projects = _named(tx, "SELECT pk, id, name, parent_pk FROM project WHERE owner = :owner", owner)
    tags = _named(tx, "SELECT pk, id, name, NULL FROM tag WHERE owner = :owner", owner)
    tagged = (
        "(SELECT l.conversation_pk FROM conversation_tag AS l"
        " WHERE l.owner = :owner AND l.tag_pk IN (SELECT value FROM json_each(:{})))"
    )
    if filters.project:
        sql += " AND c.project_pk IN (SELECT value FROM json_each(:projects))"
        params["projects"] = json.dumps(_matching_tree(projects, filters.project))
    if filters.not_project:
        sql += " AND (c.project_pk IS NULL OR c.project_pk NOT IN (SELECT value FROM json_each(:not_projects)))"
        params["not_projects"] = json.dumps(_matching_tree(projects, filters.not_project))
    for number, name in enumerate(filters.tag):
        sql += f" AND c.pk IN {tagged.format(f'tag{number}')}"
        params[f"tag{number}"] = json.dumps(_matching(tags, (name,)))
    if filters.not_tag:
        sql += f" AND c.pk NOT IN {tagged.format('not_tags')}"
        params["not_tags"] = json.dumps(_matching(tags, filters.not_tag))
    if filters.source:
        sql += " AND lower(c.source_format) IN (SELECT value FROM json_each(:sources))"
        params["sources"] = json.dumps([value.lower() for value in filters.source])
    if filters.not_source:
        sql += " AND lower(coalesce(c.source_format, '')) NOT IN (SELECT value FROM json_each(:not_sources))"
        params["not_sources"] = json.dumps([value.lower() for value in filters.not_source])
    return sql, params


class _Named(NamedTuple):
    pk: int
    id: str
    name: str
    parent_pk: int | None


def _named(tx: Transaction, sql: str, owner: str) -> list[_Named]:
    return [_Named(*row) for row in tx.rows(sql, {"owner": owner})]


def _matching(rows: list[_Named], values: Sequence[str]) -> list[int]:
    """Those that are called so, without regard to case and diacritics, or have that id."""
    wanted = {plain(value.strip()) for value in values}
    return [row.pk for row in rows if plain(row.name.strip()) in wanted or row.id in wanted]


def _matching_tree(rows: list[_Named], values: Sequence[str]) -> list[int]:
    """Matching projects, and the projects inside them."""
    found = set(_matching(rows, values))
    children: dict[int | None, list[int]] = {}
    for row in rows:
        children.setdefault(row.parent_pk, []).append(row.pk)
    pending = list(found)
    while pending:
        inner = [pk for pk in children.get(pending.pop(), ()) if pk not in found]
        found.update(inner)
        pending += inner
    return sorted(found)
