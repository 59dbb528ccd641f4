"""What a re-import may change in a conversation and in a message that the store holds already."""

from __future__ import annotations

from typing import Any

import msgspec

from chatkeep.encoding import storable
from chatkeep.model import Conversation, Message, to_us
from chatkeep.store import changes
from chatkeep.store.appending import link_attachments, update_message
from chatkeep.store.conversations import set_tags, write_header
from chatkeep.store.engine import Transaction
from chatkeep.store.rows import CONVERSATION_COLUMNS, CONVERSATION_FROM, conversation_of
from chatkeep.store.tags import MAX_TAGS, name_key

# Fields of a message that can be changed here; an import leaves those that were alone.
_MESSAGE_OVERRIDES = ("rating", "selected")


def merge_message(
    tx: Transaction, owner: str, pk: int, before: Message, incoming: Message, *, overrides: set[str]
) -> bool:
    """Bring a message up to its source; whether anything changed."""
    kept: dict[str, Any] = {"seq": before.seq, "source": before.source, "id": before.id}
    kept |= {field: getattr(before, field) for field in _MESSAGE_OVERRIDES if field in overrides}
    if incoming.parent_id != before.parent_id and not _is_above(tx, owner, incoming.parent_id, before.seq):
        # Nor does a parent become none: it could not be read this time.
        kept["parent_id"] = before.parent_id
    after = storable(msgspec.structs.replace(incoming, **kept))
    if after == before:
        return False
    update_message(tx, owner, pk, after, overrides=overrides)
    # Only added: what the message no longer names still goes when its conversation is purged.
    link_attachments(tx, owner, pk, after)
    return True


def _is_above(tx: Transaction, owner: str, parent_id: str | None, seq: int) -> bool:
    """Whether there is such a message, and it comes before ``seq``, so that it may be a parent there."""
    row = tx.row("SELECT seq FROM message WHERE owner = :owner AND id = :id", {"owner": owner, "id": parent_id})
    return row is not None and row[0] < seq


# What a source says of a conversation as a whole.
_TAKEN = ("title", "pinned", "archived", "project_id", "settings", "extra", "session_id", "workspace", "agent")


def is_outdated(tx: Transaction, owner: str, pk: int, incoming: Conversation, *, went_on_here: bool) -> bool:
    """Whether the store holds a later state of this conversation already, as when an older export is imported last.

    A conversation that went on here, on whatever branch, has a time of our own, which says nothing of its source.
    """
    row = tx.row("SELECT updated_at FROM conversation WHERE owner = :owner AND pk = :pk", _key(owner, pk))
    return row is not None and not went_on_here and to_us(incoming.updated_at) < row[0]


def merge_header(
    tx: Transaction, owner: str, pk: int, incoming: Conversation, *, head_id: str | None, outdated: bool
) -> bool:
    """Bring a header up to its source, leaving alone what was changed here; whether anything but the digest changed.

    An outdated source only fills in what is empty.
    """
    row = tx.row(
        f"SELECT {CONVERSATION_COLUMNS} FROM {CONVERSATION_FROM} WHERE c.owner = :owner AND c.pk = :pk", _key(owner, pk)
    )
    if row is None:
        return False
    before, incoming = conversation_of(row), storable(incoming)
    if outdated:
        incoming = msgspec.structs.replace(incoming, source_digest=before.source_digest)
    after = msgspec.structs.replace(before, **_taken(before, incoming, outdated=outdated))
    moves = head_id is not None and "head_id" not in before.overrides and not _grew_here(tx, owner, pk, before.head_id)
    if moves and not outdated:
        after = msgspec.structs.replace(after, head_id=head_id)
    retagged = "tags" not in before.overrides and not _same_names(incoming.tags, before.tags)
    if after == before and not retagged:
        _note_digest(tx, owner, pk, incoming)
        return False
    write_header(tx, owner, pk, msgspec.structs.replace(after, source_digest=incoming.source_digest))
    if retagged:
        set_tags(tx, owner, pk, _joined_tags(before.tags, incoming.tags))
    changes.record(tx, owner, "conversation", "put", pk, before.id)
    return True


def _taken(before: Conversation, incoming: Conversation, *, outdated: bool) -> dict[str, Any]:
    taken: dict[str, Any] = {
        "updated_at": max(before.updated_at, incoming.updated_at),
        "created_at": min(before.created_at, incoming.created_at),
    }
    for field in _TAKEN:
        old, new = getattr(before, field), getattr(incoming, field)
        # What a source does not say (any more) is no reason to forget it.
        unsaid = new is None or (outdated and bool(old))
        if field not in before.overrides and not unsaid:
            taken[field] = new
    return taken


def _key(owner: str, pk: int) -> dict[str, Any]:
    return {"owner": owner, "pk": pk}


def _same_names(incoming: tuple[str, ...], before: tuple[str, ...]) -> bool:
    return len(before) >= MAX_TAGS or {name_key(name) for name in incoming} <= {name_key(name) for name in before}


def _joined_tags(before: tuple[str, ...], incoming: tuple[str, ...]) -> set[str]:
    """Both, as far as a conversation can carry them."""
    known = {name_key(name) for name in before}
    added = sorted(name for name in incoming if name_key(name) not in known)
    return {*before, *added[: MAX_TAGS - len(before)]}


def _grew_here(tx: Transaction, owner: str, pk: int, head_id: str | None) -> bool:
    """Whether the head is a message that was written here, not imported."""
    row = tx.row(
        "SELECT source_id FROM message WHERE owner = :owner AND conversation_pk = :pk AND id = :id",
        {"owner": owner, "pk": pk, "id": head_id},
    )
    return row is not None and row[0] is None


def _note_digest(tx: Transaction, owner: str, pk: int, incoming: Conversation) -> None:
    tx.run(
        "UPDATE conversation SET source_digest = :digest WHERE owner = :owner AND pk = :pk"
        " AND source_digest IS DISTINCT FROM :digest",
        {"owner": owner, "pk": pk, "digest": incoming.source_digest},
    )
