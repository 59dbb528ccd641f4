"""The change log: one row per committed effect, one cursor for every consumer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from chatkeep.errors import HistoryLostError, StoreClosedError
from chatkeep.model import from_us, to_us, utc_now
from chatkeep.store.change_cursors import cursor_of, parse_cursor
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.following import Follower, Following

ChangeKind = Literal["conversation", "message", "project", "tag", "attachment"]
ChangeOp = Literal["create", "put", "trash", "restore", "start", "finish", "delete"]
"""What happened to the record. Whoever only wants to know which records to read again treats all but ``delete`` alike.

``create``: it is new. ``put``: it was changed. ``trash``, ``restore``: a conversation went to the trash or came back.
``start``, ``finish``: a message is new and being streamed; its stream ended, however it ended. ``delete``: it is gone.
"""

_INSERT = (
    "INSERT INTO change (owner, kind, op, pk, id, conversation_pk, at)"
    " VALUES (:owner, :kind, :op, :pk, :id, :conversation_pk, :at)"
)


class Change(msgspec.Struct, frozen=True):
    """Something was written or deleted. Read the record by its id for what it is now."""

    cursor: str
    kind: ChangeKind
    op: ChangeOp
    id: str
    conversation_id: str | None
    """Of a message whose conversation still exists."""
    at: datetime


class ChangePage(msgspec.Struct, frozen=True):
    """Changes in commit order; ``cursor`` is the place after the last one, also when there are none."""

    changes: list[Change]
    cursor: str
    more: bool
    """Whether further changes were committed already."""


def record(
    tx: Transaction,
    owner: str,
    kind: ChangeKind,
    op: ChangeOp,
    pk: int,
    id: str,
    *,
    conversation_pk: int | None = None,
) -> None:
    """Write the change of an effect into the effect's own transaction."""
    tx.run(_INSERT, change_params(owner, kind, op, pk, id, conversation_pk=conversation_pk))


def change_params(
    owner: str, kind: ChangeKind, op: ChangeOp, pk: int, id: str, *, conversation_pk: int | None = None
) -> dict[str, object]:
    """Parameters for :func:`record_many`."""
    return {
        "owner": owner,
        "kind": kind,
        "op": op,
        "pk": pk,
        "id": id,
        "conversation_pk": conversation_pk,
        "at": to_us(utc_now()),
    }


def record_many(tx: Transaction, params: list[dict[str, object]]) -> None:
    """Write many changes, each made by :func:`change_params`."""
    tx.many(_INSERT, params)


def record_messages(tx: Transaction, owner: str, conversation_pk: int, *, after_seq: int) -> None:
    """Write one change for each message of a conversation behind ``after_seq``, in their order."""
    tx.run(
        "INSERT INTO change (owner, kind, op, pk, id, conversation_pk, at)"
        " SELECT owner, 'message', 'create', pk, id, conversation_pk, :at FROM message"
        " WHERE owner = :owner AND conversation_pk = :pk AND seq > :seq ORDER BY seq",
        {"owner": owner, "pk": conversation_pk, "seq": after_seq, "at": to_us(utc_now())},
    )


class Changes:
    """The change feed of one owner."""

    def __init__(self, engine: Engine, owner: str, follower: Follower | None = None) -> None:
        """``follower`` is what :meth:`follow` needs; all owners of one store share it."""
        self.owner = owner
        self._engine = engine
        self._owner = owner
        self._follower = follower

    def follow(
        self,
        cursor: str | None = None,
        *,
        timeout: float | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> Following:
        """Changes as they are committed, by this process or another; usually within 300 ms.

        Args:
            cursor: Where to go on; None follows what is committed from now on.
            timeout: End after so many seconds without a change; None waits until it is closed.
            on_ready: Called, from any thread and perhaps for nothing, when :meth:`Following.take` may have something;
                for event loops.

        Returns:
            An iterator; close it, or use it in a ``with`` block.

        Raises:
            CursorError: Not a cursor of a change feed.
            HistoryLostError: From the iterator: the log no longer holds its place; start over without a cursor.
        """
        if self._follower is None:
            raise StoreClosedError("this feed can be read, but not followed: it was opened without a follower")
        return self._follower.follow(self, cursor, timeout_s=timeout, on_ready=on_ready)

    def cursor(self) -> str:
        """The place after everything committed so far."""

        def work(tx: Transaction) -> str:
            return cursor_of(_epoch(tx), *(tx.row("SELECT seq, nonce FROM change ORDER BY seq DESC LIMIT 1") or (0, 0)))

        return self._engine.read(work)

    def since(self, cursor: str | None = None, *, limit: int = 1000) -> ChangePage:
        """Changes after ``cursor`` (None: from the oldest kept), at most ``limit`` (and never above 1,000).

        Raises:
            CursorError: Not a cursor of a change feed.
            HistoryLostError: The store was restored or copied since, or the log no longer reaches back to it.
        """
        limit = max(1, min(limit, 1000))

        def work(tx: Transaction) -> ChangePage:
            epoch = _epoch(tx)
            seq, nonce = _position(tx, epoch, cursor)
            rows = tx.rows(
                "SELECT g.seq, g.nonce, g.kind, g.op, g.id, c.id, g.at FROM change AS g"
                " LEFT JOIN conversation AS c ON c.pk = g.conversation_pk AND c.owner = g.owner"
                " WHERE g.owner = :owner AND g.seq > :seq ORDER BY g.seq LIMIT :limit",
                {"owner": self._owner, "seq": seq, "limit": limit + 1},
            )
            changes = [
                Change(cursor_of(epoch, seq, nonce), kind, op, id, conversation_id, from_us(at))
                for seq, nonce, kind, op, id, conversation_id, at in rows[:limit]
            ]
            if len(rows) > limit:
                return ChangePage(changes, changes[-1].cursor, more=True)
            # Past what other owners wrote, so that no call looks at that again.
            end = tx.row("SELECT seq, nonce FROM change ORDER BY seq DESC LIMIT 1") or (seq, nonce)
            return ChangePage(changes, cursor_of(epoch, *end), more=False)

        return self._engine.read(work)


def _epoch(tx: Transaction) -> str:
    row = tx.row("SELECT epoch FROM store")
    return str(row[0]) if row else ""


def _position(tx: Transaction, epoch: str, cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, 0
    found_epoch, seq, nonce = parse_cursor(cursor)
    if found_epoch != epoch:
        raise HistoryLostError(
            "the store was restored or copied since this cursor was given: start over without a cursor"
        )
    if seq:
        row = tx.row("SELECT nonce FROM change WHERE seq = :seq", {"seq": seq})
        if row is None or row[0] != nonce:
            raise HistoryLostError("the change log does not hold this cursor any more: start over without a cursor")
    return seq, nonce
