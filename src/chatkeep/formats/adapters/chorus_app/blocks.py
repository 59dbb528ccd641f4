"""The messages of one set, block by block: which of them are parallel, and which one the chat goes on from.

A set is a turn slot. Its messages belong to blocks - modes of answering - of which one is shown; the others hold what
was answered in another mode and are kept as alternatives.
"""

from __future__ import annotations

from typing import NamedTuple

from .tables import Row

SYNTHESIS = "chorus::synthesize"


class Block(NamedTuple):
    """Messages of one set and block type, in the order they are shown."""

    kind: str
    answers: list[Row]
    reviews: list[Row]
    chosen: Row | None
    """The answer that counts within this block."""
    goes_on: Row | None
    """The message that the chat goes on from when this block is shown: the answer, or its applied review."""


def blocks_of(kind_of_set: object, rows: list[Row]) -> list[Block]:
    """The blocks of a set in the order of their first messages; ``rows`` in the order of insertion."""
    legacy = _legacy_kind(kind_of_set, rows)
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        kind = row.get("block_type")
        if not isinstance(kind, str) or not kind:
            kind = "user" if is_user(row) else legacy
        by_kind.setdefault(kind, []).append(row)
    return [_block(kind, members) for kind, members in by_kind.items()]


def is_user(row: Row) -> bool:
    """Whether a person wrote it."""
    return row.get("model") == "user" or row.get("block_type") == "user"


def truth(value: object) -> bool:
    """A BOOLEAN column's value; anything but a number other than zero is false."""
    return isinstance(value, int | float) and value != 0


def level_of(row: Row) -> float:
    """The order among parallel answers; missing counts as 0."""
    level = row.get("level")
    return level if isinstance(level, int | float) else 0


def _legacy_kind(kind_of_set: object, rows: list[Row]) -> str:
    # Before schema 69 there were no blocks; this is how the app sorted old messages into them then.
    if kind_of_set == "user":
        return "user"
    if any(truth(row.get("is_review")) for row in rows):
        return "chat"
    return "compare" if len(rows) > 1 else "chat"


def _block(kind: str, rows: list[Row]) -> Block:
    reviews = [row for row in rows if kind == "chat" and truth(row.get("is_review"))]
    answers = [row for row in rows if kind != "chat" or not truth(row.get("is_review"))]
    if kind == "compare":
        answers.sort(key=lambda row: (row.get("model") == SYNTHESIS, str(row.get("model"))))
    elif kind != "user":
        answers.sort(key=level_of)
    chosen = _chosen(kind, answers)
    applied = next((row for row in reviews if row.get("review_state") == "applied"), None)
    return Block(kind, answers, reviews, chosen, applied or chosen or (reviews[0] if reviews else None))


def _chosen(kind: str, answers: list[Row]) -> Row | None:
    selected = [row for row in answers if truth(row.get("selected"))]
    if kind == "chat" or not selected:
        # In upgraded databases the only answer of a `chat` block may be marked as not selected.
        return answers[0] if answers else None
    if kind == "compare":
        return next((row for row in selected if row.get("model") == SYNTHESIS), selected[0])
    return selected[0]
