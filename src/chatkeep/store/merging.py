"""Merging an imported conversation into the store: what is new is added, what changed is updated, nothing is lost.

Importing the same thing again changes nothing; a grown conversation grows; what was changed here (``overrides``) stays
as it is here; what the source lacks by now stays too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from chatkeep.errors import ConstraintError
from chatkeep.model import AttachmentRef, Conversation, Message, SourceKey, derived_id, to_us
from chatkeep.store import changes
from chatkeep.store.appending import storable_columns
from chatkeep.store.conversations import insert_conversation, set_tags
from chatkeep.store.counting import recount, relink
from chatkeep.store.engine import Transaction
from chatkeep.store.filing import link_unnamed, merge_attachments, merge_project
from chatkeep.store.incoming import Incoming, Merged
from chatkeep.store.purging import forget_purge, own_key, was_purged
from chatkeep.store.rows import INSERT_MESSAGE_PLAIN, decode_messages, names_of
from chatkeep.store.stand_ins import replace_stand_in, session_is_known
from chatkeep.store.updating import is_outdated, merge_header, merge_message


def merge(tx: Transaction, owner: str, incoming: Incoming) -> Merged:
    """Merge one conversation; everything or nothing of it, in a savepoint of its own."""
    draft = incoming.conversation
    key = draft.source or own_key(draft.id)
    if not incoming.include_purged and was_purged(tx, owner, key):
        return Merged(outcome="purged")
    if incoming.stand_in and session_is_known(tx, owner, draft):
        return Merged(outcome="unchanged", messages_unchanged=len(incoming.messages))
    found = _find(tx, owner, draft)
    try:
        return tx.nested(lambda inner: _merge(inner, owner, incoming, found))
    except ConstraintError:
        # A message with the same source key lies in another conversation: the source repeats ids that it says are
        # unique. Within this conversation they are, so they are kept under its own scope.
        return tx.nested(lambda inner: _merge(inner, owner, _scoped(incoming), found))


def _merge(tx: Transaction, owner: str, incoming: Incoming, found: tuple[int, str] | None) -> Merged:
    merged = Merged(outcome="added")
    if incoming.include_purged:
        forget_purge(tx, owner, incoming.conversation.source or own_key(incoming.conversation.id))
    if not incoming.stand_in:
        replace_stand_in(tx, owner, incoming.conversation)
    names: dict[str, str] = {}
    project_id = (
        None if _is_filed_here(tx, owner, found) else merge_project(tx, owner, incoming.project, incoming.ancestors)
    )
    draft = msgspec.structs.replace(incoming.conversation, project_id=project_id)
    last_seq, existing, outdated = 0, _NOTHING, False
    if found is None:
        pk, merged.id = insert_conversation(tx, owner, draft), draft.id
    else:
        pk, merged.id = found
        last_seq, existing = _existing(tx, owner, pk)
        went_on_here = any(message.source is None for _, message, _ in existing.values())
        outdated = is_outdated(tx, owner, pk, draft, went_on_here=went_on_here)
    merge_attachments(tx, owner, incoming.attachments, names, merged, outdated=outdated)
    messages = list(_renamed(incoming.messages, merged.id, names, existing))
    _merge_messages(tx, owner, pk, messages, _Here(existing, last_seq, outdated), merged)
    link_unnamed(tx, owner, pk, (names.get(draft.id, draft.id) for draft in incoming.attachments))
    head_id = _head(draft.head_id, incoming.messages, messages)
    if found is None:
        if draft.tags:
            set_tags(tx, owner, pk, set(draft.tags))
        recount(tx, owner, pk, head_id=head_id, messages=messages)
        return merged
    header_changed = merge_header(tx, owner, pk, draft, head_id=head_id, outdated=outdated)
    if merged.messages_updated:
        relink(tx, owner, pk)
    if merged.messages_added or merged.messages_updated or header_changed:
        recount(tx, owner, pk)
        merged.outcome = "updated"
    else:
        merged.outcome = "updated" if merged.attachments_added else "unchanged"
    return merged


def _is_filed_here(tx: Transaction, owner: str, found: tuple[int, str] | None) -> bool:
    """Whether somebody decided here where a conversation is filed; the source's project need not be there then."""
    if found is None:
        return False
    row = tx.row(
        "SELECT overrides FROM conversation WHERE owner = :owner AND pk = :pk", {"owner": owner, "pk": found[0]}
    )
    return row is not None and "project_id" in names_of(row[0])


def _find(tx: Transaction, owner: str, draft: Conversation) -> tuple[int, str] | None:
    key = draft.source
    row = None
    if key is not None:
        row = tx.row(
            "SELECT pk, id FROM conversation WHERE owner = :owner AND source_id = :source_id AND source_scope = :scope"
            " AND source_format = :format",
            {"owner": owner, "source_id": key.source_id, "scope": key.scope, "format": key.format},
        )
    row = row or tx.row(
        "SELECT pk, id FROM conversation WHERE owner = :owner AND id = :id", {"owner": owner, "id": draft.id}
    )
    return None if row is None else (int(row[0]), str(row[1]))


Existing = dict[tuple[str, str], tuple[int, Message, set[str]]]
"""By (scope, source id), or ("", our id): key, value and overrides of a message that the store holds."""

_NOTHING: Existing = {}


def _existing(tx: Transaction, owner: str, pk: int) -> tuple[int, Existing]:
    rows = tx.rows(
        "SELECT pk, body, overrides FROM message WHERE owner = :owner AND conversation_pk = :pk ORDER BY seq",
        {"owner": owner, "pk": pk},
    )
    messages = decode_messages([row[1] for row in rows])
    existing = {
        _key(message): (row[0], message, set(names_of(row[2]))) for row, message in zip(rows, messages, strict=True)
    }
    last = tx.row("SELECT last_seq FROM conversation WHERE owner = :owner AND pk = :pk", {"owner": owner, "pk": pk})
    return int(last[0]) if last else 0, existing


def _key(message: Message) -> tuple[str, str]:
    return (message.source.format, message.source.source_id) if message.source else ("", message.id)


def _renamed(
    messages: list[Message], conversation_id: str, attachments: dict[str, str], existing: Existing
) -> list[Message]:
    """The messages under the ids that the store has for them, if it has any."""
    ids = {
        message.id: known[1].id
        for message in messages
        if existing and (known := existing.get(_key(message))) is not None and known[1].id != message.id
    }
    moved = bool(messages) and messages[0].conversation_id != conversation_id
    if not ids and not moved and not attachments:
        return messages
    return [
        msgspec.structs.replace(
            message,
            id=ids.get(message.id, message.id),
            parent_id=ids.get(message.parent_id or "", message.parent_id),
            conversation_id=conversation_id,
            parts=_relinked(message, attachments),
        )
        for message in messages
    ]


def _relinked(message: Message, attachments: dict[str, str]) -> Any:
    if not attachments or not any(isinstance(part, AttachmentRef) for part in message.parts):
        return message.parts
    return tuple(
        msgspec.structs.replace(part, attachment_id=attachments.get(part.attachment_id or "", part.attachment_id))
        if isinstance(part, AttachmentRef)
        else part
        for part in message.parts
    )


class _Here(NamedTuple):
    """What the store has of a conversation that is being merged."""

    existing: Existing
    last_seq: int
    outdated: bool


def _merge_messages(tx: Transaction, owner: str, pk: int, messages: list[Message], here: _Here, merged: Merged) -> None:
    rows: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    base = {"owner": owner, "conversation_pk": pk, "idempotency_key": None}
    for place, message in enumerate(messages):
        known = here.existing.get(_key(message)) if here.existing else None
        if known is not None:
            changed = not here.outdated and merge_message(tx, owner, known[0], known[1], message, overrides=known[2])
            merged.messages_updated += changed
            merged.messages_unchanged += not changed
            continue
        messages[place], columns = storable_columns(message, here.last_seq + len(rows) + 1)
        columns.update(base)
        rows.append(columns)
        links.extend(
            {"owner": owner, "message": message.id, "attachment": part.attachment_id}
            for part in message.parts
            if isinstance(part, AttachmentRef) and part.attachment_id is not None
        )
    if rows:
        _insert(tx, owner, pk, rows, links)
    merged.messages_added = len(rows)


def _insert(tx: Transaction, owner: str, pk: int, rows: list[dict[str, Any]], links: list[dict[str, Any]]) -> None:
    tx.many(INSERT_MESSAGE_PLAIN, rows)
    changes.record_messages(tx, owner, pk, after_seq=rows[0]["seq"] - 1)
    models = {row["model"] for row in rows} - {None}
    tx.many(
        "INSERT INTO conversation_model (owner, model, conversation_pk) VALUES (:owner, :model, :pk)"
        " ON CONFLICT DO NOTHING",
        [{"owner": owner, "model": model, "pk": pk} for model in sorted(models)],
    )
    tx.many(
        "INSERT INTO message_attachment (owner, message_pk, attachment_pk)"
        " SELECT m.owner, m.pk, a.pk FROM message AS m JOIN attachment AS a ON a.owner = m.owner AND a.id = :attachment"
        " WHERE m.owner = :owner AND m.id = :message ON CONFLICT DO NOTHING",
        links,
    )


def _head(wanted: str | None, before: list[Message], after: list[Message]) -> str | None:
    """The head under the id that the store has for it; the newest leaf if the source names none."""
    if wanted is not None:
        for old, new in zip(before, after, strict=True):
            if old.id == wanted:
                return new.id
    if not after:
        return None
    parents = {message.parent_id for message in after}
    leaves = [place for place, message in enumerate(after) if message.id not in parents]
    return after[max(leaves, key=lambda place: (after[place].created_at, place))].id


def _scoped(incoming: Incoming) -> Incoming:
    """The same conversation with its messages' source keys under its own scope, and ids derived from those."""
    conversation = incoming.conversation
    scope = conversation.source.source_id if conversation.source else conversation.id
    ids: dict[str, str] = {}
    keys: dict[str, SourceKey] = {}
    for message in incoming.messages:
        if message.source is not None:
            key = keys[message.id] = SourceKey(message.source.format, scope, message.source.source_id)
            ids[message.id] = derived_id(key.format, key.scope, key.source_id, to_us(message.created_at))
    renamed = [
        msgspec.structs.replace(
            message,
            id=ids.get(message.id, message.id),
            parent_id=ids.get(message.parent_id or "", message.parent_id),
            source=keys.get(message.id),
        )
        for message in incoming.messages
    ]
    head_id = ids.get(conversation.head_id or "", conversation.head_id)
    header = msgspec.structs.replace(conversation, head_id=head_id)
    return msgspec.structs.replace(incoming, conversation=header, messages=renamed)
