"""From a query to FTS5's own language, and to conditions on the documents' table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw

from chatkeep.model import ROLES
from chatkeep.store.search.document import FLAGS, IS_HIDDEN
from chatkeep.store.search.query import Filters, Term

_ROLE_NUMBERS: dict[str, int] = {role: number for number, role in enumerate(ROLES)}


class Conditions(NamedTuple):
    """SQL over the table ``doc`` with the values of its parameters."""

    sql: str
    params: dict[str, Any]
    is_open: bool
    """Whether every document passes but hidden ones, which the store's own rows tell again."""


def term_expression(term: Term) -> str:
    """One phrase. Words hold letters, digits and non-ASCII only, so nothing in them needs an escape."""
    text = f'"{" ".join(term.words)}"'
    return f"{text} *" if term.prefix else text


def match_expression(groups: Sequence[Sequence[Term]], excluded: Sequence[Term]) -> str | None:
    """What MATCH is asked; None if there are no words to find."""
    if not groups:
        return None
    parts = [" OR ".join(term_expression(term) for term in group) for group in groups]
    found = " AND ".join(f"({part})" for part in parts)
    barrier = any_expression(excluded)
    return f"({found}) NOT ({barrier})" if barrier else found


def any_expression(terms: Sequence[Term]) -> str | None:
    """What finds any of the terms; None if there are none."""
    return " OR ".join(term_expression(term) for term in terms) or None


def conditions(
    connection: apsw.Connection, owner: str, filters: Filters, *, conversation_pks: list[int] | None
) -> Conditions | None:
    """What a document must be; None if none can be that.

    Args:
        conversation_pks: The conversations that it may belong to; None for any.
    """
    row = connection.execute("SELECT id FROM owner WHERE name = ?", (owner,)).fetchone()
    if row is None:
        return None
    params: dict[str, Any] = {"owner": row[0]}
    owners = connection.execute("SELECT count(*) FROM owner").fetchone()
    is_open = owners == (1,) and conversation_pks is None and filters in (Filters(), Filters(hidden=True))
    sql = ["d.owner = :owner"]
    if filters.before_us is not None:
        sql.append("d.created_at < :before")
        params["before"] = filters.before_us
    if filters.after_us is not None:
        sql.append("d.created_at >= :after")
        params["after"] = filters.after_us
    sql += _kind_conditions(filters)
    sql += _model_conditions(connection, filters)
    if conversation_pks is not None:
        sql.append("d.conversation_pk IN (SELECT value FROM json_each(:conversations))")
        params["conversations"] = json.dumps(conversation_pks)
    return Conditions(" AND ".join(sql), params, is_open)


def _kind_conditions(filters: Filters) -> list[str]:
    sql = []
    if not filters.titles:
        sql.append("d.pk > 0")
    if not filters.messages:
        sql.append("d.pk < 0")
    if filters.role:
        sql.append(f"d.role IN ({_numbers(_ROLE_NUMBERS[role] for role in filters.role)})")
    if filters.not_role:
        sql.append(f"d.role NOT IN ({_numbers(_ROLE_NUMBERS[role] for role in filters.not_role)})")
    wanted = sum({FLAGS[name] for name in filters.has})
    unwanted = sum({FLAGS[name] for name in filters.not_has}) | (0 if filters.hidden else IS_HIDDEN)
    if wanted:
        sql.append(f"d.flags & {wanted} = {wanted}")
    if unwanted:
        sql.append(f"d.flags & {unwanted} = 0")
    return sql


def _model_conditions(connection: apsw.Connection, filters: Filters) -> list[str]:
    if not filters.model and not filters.not_model:
        return []
    known = [(int(row[0]), str(row[1]).casefold()) for row in connection.execute("SELECT id, name FROM model")]
    sql = []
    if filters.model:
        wanted = [value.casefold() for value in filters.model]
        sql.append(f"d.model IN ({_numbers(n for n, name in known if any(w in name for w in wanted))})")
    if filters.not_model:
        wanted = [value.casefold() for value in filters.not_model]
        sql.append(f"d.model NOT IN ({_numbers(n for n, name in known if any(w in name for w in wanted))})")
    return sql


def _numbers(values: Any) -> str:
    return ", ".join(str(int(value)) for value in sorted(values))
