"""Branches: the leaves of a conversation's tree."""

from __future__ import annotations

from datetime import datetime

import msgspec

from chatkeep.errors import MessageNotFoundError
from chatkeep.model import from_us
from chatkeep.store.engine import Transaction
from chatkeep.store.lookup import conversation_pk
from chatkeep.store.rows import decode_message, preview_of


class Branch(msgspec.Struct, frozen=True):
    """A way from a root to a leaf."""

    leaf_id: str
    message_count: int
    """How many messages it has from its root."""
    created_at: datetime
    """When its leaf was written."""
    preview: str
    is_head: bool
    """Whether it is the branch being shown."""


def branches(tx: Transaction, owner: str, conversation_id: str) -> list[Branch]:
    """All branches, newest leaf first."""
    pk = conversation_pk(tx, owner, conversation_id)
    head = tx.row("SELECT head_id FROM conversation WHERE owner = :owner AND pk = :pk", {"owner": owner, "pk": pk})
    depth: dict[str, int] = {}
    leaves: dict[str, int] = {}
    for id, parent_id, at in _tree(tx, owner, pk):
        depth[id] = depth.get(parent_id, 0) + 1 if parent_id else 1
        leaves.pop(parent_id or "", None)
        leaves[id] = at
    found = []
    for id, at in sorted(leaves.items(), key=lambda item: (item[1], item[0]), reverse=True):
        row = tx.row("SELECT body FROM message WHERE owner = :owner AND id = :id", {"owner": owner, "id": id})
        preview = (preview_of(decode_message(row[0])) if row else None) or ""
        found.append(Branch(id, depth[id], from_us(at), preview, bool(head) and head is not None and head[0] == id))
    return found


def newest_leaf(tx: Transaction, owner: str, conversation_id: str, message_id: str) -> str:
    """The leaf below a message (or itself) that was written last.

    Raises:
        MessageNotFoundError: It is not in this conversation.
    """
    below: set[str] = set()
    newest: tuple[int, int, str] | None = None
    tree = _tree(tx, owner, conversation_pk(tx, owner, conversation_id))
    has_child = {parent_id for _, parent_id, _ in tree}
    for place, (id, parent_id, at) in enumerate(tree):
        if id == message_id or parent_id in below:
            below.add(id)
            if id not in has_child:
                newest = max(newest or (at, place, id), (at, place, id))
    if newest is None:
        raise MessageNotFoundError(message_id)
    return newest[2]


def is_shown(tx: Transaction, owner: str, conversation_id: str, message_id: str) -> bool:
    """Whether the branch being shown leads through a message."""
    pk = conversation_pk(tx, owner, conversation_id)
    row = tx.row("SELECT head_id FROM conversation WHERE owner = :owner AND pk = :pk", {"owner": owner, "pk": pk})
    parents = {id: parent_id for id, parent_id, _ in _tree(tx, owner, pk)}
    place: str | None = row[0] if row else None
    while place is not None and place != message_id:
        place = parents.get(place)
    return place is not None


def _tree(tx: Transaction, owner: str, pk: int) -> list[tuple[str, str | None, int]]:
    return tx.rows(
        "SELECT id, parent_id, created_at FROM message WHERE owner = :owner AND conversation_pk = :pk ORDER BY seq",
        {"owner": owner, "pk": pk},
    )
