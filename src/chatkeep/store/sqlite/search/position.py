"""Where the index stands in the store's change log."""

from __future__ import annotations

from typing import NamedTuple

from chatkeep.store.engine import Transaction

_LOOK = (
    # A log that was pruned to its end still knows its last number.
    "SELECT (SELECT epoch FROM store),"
    " coalesce((SELECT max(seq) FROM change), (SELECT seq FROM sqlite_sequence WHERE name = 'change')),"
    " (SELECT nonce FROM change WHERE seq = :seq), (SELECT 1 FROM change WHERE seq = 1)"
)


class Position(NamedTuple):
    """The last change that was applied; ``seq`` is 0 before the first, -1 in an index that was never begun."""

    epoch: str
    seq: int
    nonce: int


class Distance(NamedTuple):
    """How the log goes on after a position. ``lost``: it does not, and the index must be made anew."""

    lost: bool
    behind: int


def head(tx: Transaction) -> Position:
    """The position after everything committed."""
    row = tx.row("SELECT epoch FROM store")
    last = tx.row("SELECT seq, nonce FROM change ORDER BY seq DESC LIMIT 1")
    if last is None:
        last = (*(tx.row("SELECT seq FROM sqlite_sequence WHERE name = 'change'") or (0,)), 0)
    return Position(str(row[0]) if row else "", last[0], last[1])


def distance(tx: Transaction, position: Position) -> Distance:
    """What lies between a position and the end of the log.

    Another nonce at the position, or another epoch, tells that the store was restored or copied. A log that was
    pruned up to its very end loses nothing as long as nothing was added.
    """
    row = tx.row(_LOOK, {"seq": position.seq})
    assert row is not None
    epoch, last, nonce, has_first = row
    behind = (last or 0) - position.seq
    if position.seq < 0 or epoch != position.epoch or behind < 0:
        return Distance(lost=True, behind=max(behind, 0))
    if position.seq == 0:
        return Distance(lost=behind > 0 and has_first is None, behind=behind)
    if nonce is None:
        return Distance(lost=behind > 0, behind=behind)
    return Distance(lost=nonce != position.nonce, behind=behind)
