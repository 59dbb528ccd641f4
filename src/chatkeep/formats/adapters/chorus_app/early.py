"""Schemas 1 to 16: messages had parents of their own, and no sets."""

from __future__ import annotations

from collections.abc import Iterator

from chatkeep.formats.values import Problems

from .blocks import is_user, truth
from .tables import Row
from .thread import Placed, Thread, id_of


def early_thread(sets: list[Row], messages: list[Row], *, head_id: object, problems: Problems) -> Thread:
    """Arrange messages by their own parents; several answers to one message are parallel.

    Arguments are those of :func:`~.thread.thread_of`; ``sets`` is empty in these schemas.
    """
    known = {id_of(row) for row in messages}
    children: dict[str | None, list[Row]] = {}
    for row in messages:
        parent = row.get("parent_id")
        if parent is not None and parent not in known:
            problems.add(f"message {id_of(row)}", "its parent is not there")
        children.setdefault(parent if parent in known else None, []).append(row)
    placed = [place for parent, rows in children.items() for place in _placed(parent, rows)]
    if isinstance(head_id, str) and head_id in known:
        return Thread(placed, head_id)
    return Thread(placed, _head(children))


def _placed(parent: str | None, rows: list[Row]) -> Iterator[Placed]:
    answers = [row for row in rows if not is_user(row)]
    several = len(answers) > 1 and parent is not None
    chosen = _chosen(answers)
    index = 0
    for row in rows:
        # A parent that is known is told by the tree.
        kept = row if parent is None else {**row, "parent_id": None}
        if several and not is_user(row):
            yield Placed(kept, None, parent, f"{parent}:answers", index, selected=row is chosen)
            index += 1
        else:
            yield Placed(kept, None, parent, None, 0, selected=True)


def _chosen(rows: list[Row]) -> Row | None:
    return next((row for row in rows if truth(row.get("selected"))), rows[0] if rows else None)


def _head(children: dict[str | None, list[Row]]) -> str | None:
    """The end of the walk from a root along what is selected, else along what goes on."""
    head: str | None = None
    seen: set[str | None] = set()
    while (rows := children.get(head)) and head not in seen:
        seen.add(head)
        selected = [row for row in rows if truth(row.get("selected"))] or rows
        going_on = [row for row in selected if id_of(row) in children]
        head = id_of(going_on[-1] if going_on else selected[0])
    return head
