"""From message sets to a tree: which message follows which, and where the chat stands.

Sets are a list, by level since schema 86, by parent before. A set's messages all follow the message that its
predecessor goes on from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chatkeep.formats.values import Problems

from .blocks import Block, blocks_of
from .tables import Row


class Placed(NamedTuple):
    """A row of `messages` and its place in the tree."""

    row: Row
    message_set: Row | None
    parent_id: str | None
    reply_set: str | None
    reply_index: int
    selected: bool


class Thread(NamedTuple):
    """All messages of a chat, parents first, and the one that is shown last."""

    messages: list[Placed]
    head_id: str | None


def thread_of(sets: list[Row], messages: list[Row], *, head_id: object, problems: Problems) -> Thread:
    """Arrange a chat's messages; rows in the order of insertion.

    Args:
        sets: Rows of `message_sets`.
        messages: Rows of `messages`; those without a known set become roots, reported.
        head_id: `chats.head_id` of schemas 8 to 22: a message, or a set, or nothing known.
        problems: Takes what does not fit.
    """
    by_set: dict[object, list[Row]] = {}
    for row in messages:
        by_set.setdefault(row.get("message_set_id"), []).append(row)
    placed: list[Placed] = []
    goes_on: dict[object, str | None] = {}
    for message_set, previous_id in _in_order(sets, problems):
        set_id = message_set.get("id")
        parent_id = goes_on.get(previous_id)
        blocks = blocks_of(message_set.get("type"), by_set.pop(set_id, []))
        for block in blocks:
            placed += _placed(block, message_set, parent_id)
        goes_on[set_id] = _continuing(blocks, message_set.get("selected_block_type")) or parent_id
    for rows in by_set.values():
        for row in rows:
            problems.add(f"message {row.get('id')}", "its message set is not there: kept outside the thread")
            placed.append(Placed(row, None, None, None, 0, selected=True))
    known = {row.get("id") for row in messages}
    if isinstance(head_id, str) and head_id in known:
        return Thread(placed, head_id)
    shown = goes_on.get(head_id) if isinstance(head_id, str) else None
    return Thread(placed, shown or _last(sets, goes_on))


def _continuing(blocks: list[Block], shown_kind: object) -> str | None:
    shown = [block for block in blocks if block.kind == shown_kind] or blocks
    row = shown[0].goes_on if shown else None
    return None if row is None else id_of(row)


def id_of(row: Row) -> str:
    """The id of a row, as the text that messages are named by."""
    return str(row.get("id"))


def _placed(block: Block, message_set: Row, parent_id: str | None) -> Iterator[Placed]:
    several = len(block.answers) > 1 and block.kind != "user"
    reply_set = f"{message_set.get('id')}:{block.kind}" if several else None
    for index, row in enumerate(block.answers):
        selected = row is block.chosen or not several
        yield Placed(row, message_set, parent_id, reply_set, index if several else 0, selected)
    # A review speaks about the answer, so it follows it; the applied one leads on.
    reviewed = parent_id if block.chosen is None else id_of(block.chosen)
    for row in block.reviews:
        yield Placed(row, message_set, reviewed, None, 0, selected=True)


def _in_order(sets: list[Row], problems: Problems) -> Iterator[tuple[Row, object]]:
    """Each set after its predecessor, with the predecessor's id."""
    if any(_level(row) is not None for row in sets):
        return _by_level(sets)
    return _by_parent(sets, problems)


def _level(row: Row) -> float | None:
    level = row.get("level")
    return level if isinstance(level, int | float) else None


def _by_level(sets: list[Row]) -> Iterator[tuple[Row, object]]:
    def key(row: Row) -> tuple[bool, float, str]:
        # As in SQL: sets whose level could not be found come first.
        level = _level(row)
        return level is not None, level or 0, id_of(row)

    ordered = sorted(sets, key=key)
    levels = {row.get("id"): _level(row) for row in ordered}
    # Databases from before schema 17 had branches: their sets share levels, and only the old parents tell them apart.
    branched = len(set(levels.values())) < len(ordered)
    previous: object = None
    for row in ordered:
        parent = row.get("deprecated_parent_id")
        level, parent_level = _level(row), levels.get(parent)
        if branched and level is not None and parent_level is not None and parent_level < level:
            yield row, parent
        else:
            yield row, previous
        previous = row.get("id")


def _parent(row: Row) -> object:
    return row.get("parent_id", row.get("deprecated_parent_id"))


def _by_parent(sets: list[Row], problems: Problems) -> Iterator[tuple[Row, object]]:
    known = {row.get("id") for row in sets}
    children: dict[object, list[Row]] = {}
    for row in sets:
        parent = _parent(row)
        children.setdefault(parent if parent in known else None, []).append(row)
    queue: list[tuple[Row, object]] = [(row, None) for row in children.pop(None, [])]
    for row, previous in queue:
        yield row, previous
        queue += [(child, row.get("id")) for child in children.pop(row.get("id"), [])]
    for row in (row for rows in children.values() for row in rows):
        problems.add(f"message set {row.get('id')}", "its parents form a circle: kept without a parent")
        yield row, None


def _last(sets: Iterable[Row], goes_on: dict[object, str | None]) -> str | None:
    """Where the chat stands: the message that its last set goes on from."""
    rows = list(sets)
    if any(_level(row) is not None for row in rows):
        last = max(rows, key=lambda row: (_level(row) is not None, _level(row) or 0, id_of(row)))
        return goes_on.get(last.get("id"))
    parents = {_parent(row) for row in rows}
    leaves = [row for row in rows if row.get("id") not in parents] or rows
    # Text in SQLite's own form sorts as time; rows of the same second are in the order of insertion.
    newest = max(enumerate(leaves), key=lambda pair: (str(pair[1].get("created_at")), pair[0]), default=None)
    return None if newest is None else goes_on.get(newest[1].get("id"))
