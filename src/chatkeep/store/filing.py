"""Projects and attachments of an import, found again by their source keys."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chatkeep.model import Attachment, Project
from chatkeep.store.attachments import attachment_row, find_attachment, insert_attachment, write_attachment
from chatkeep.store.engine import Transaction
from chatkeep.store.incoming import Merged
from chatkeep.store.projects import insert_project, project_row, write_project


def merge_project(tx: Transaction, owner: str, incoming: Project | None, ancestors: tuple[Project, ...]) -> str | None:
    """Find or make the project, and before it those that it lies in; its id.

    Of one that is there, only a name that the source has learned since is taken, in place of an empty one.
    """
    if incoming is None:
        return None
    ids: dict[str, str] = {}
    for draft in (*ancestors, incoming):
        parent_id = ids.get(draft.parent_id or "", draft.parent_id)
        ids[draft.id] = _merge_one(tx, owner, msgspec.structs.replace(draft, parent_id=parent_id))
    return ids[incoming.id]


def _merge_one(tx: Transaction, owner: str, incoming: Project) -> str:
    key = incoming.source
    row = tx.row("SELECT id FROM project WHERE owner = :owner AND id = :id", {"owner": owner, "id": incoming.id})
    if row is None and key is not None:
        row = tx.row(
            "SELECT id FROM project WHERE owner = :owner AND source_id = :source_id AND source_scope = :scope"
            " AND source_format = :format",
            {"owner": owner, "source_id": key.source_id, "scope": key.scope, "format": key.format},
        )
    if row is None:
        return insert_project(tx, owner, _rooted(tx, owner, incoming))[1].id
    pk, before = project_row(tx, owner, row[0])
    if not before.name and incoming.name:
        write_project(tx, owner, pk, msgspec.structs.replace(before, name=incoming.name, version=before.version + 1))
    return before.id


def _rooted(tx: Transaction, owner: str, incoming: Project) -> Project:
    """The project, at the top if what it lies in is not here; a note of that stays."""
    parent_id = incoming.parent_id
    key = {"owner": owner, "id": parent_id}
    if parent_id is None or tx.row("SELECT 1 FROM project WHERE owner = :owner AND id = :id", key) is not None:
        return incoming
    extra = incoming.extra if "chatkeep" in incoming.extra else {**incoming.extra, "chatkeep": {"parent_id": parent_id}}
    return msgspec.structs.replace(incoming, parent_id=None, extra=extra)


def merge_attachments(
    tx: Transaction,
    owner: str,
    incoming: tuple[Attachment, ...],
    names: dict[str, str],
    merged: Merged,
    *,
    outdated: bool,
) -> None:
    """Add attachments, or fill in bytes that were missing or (unless the source is outdated) have changed; count those.

    ``names`` collects the id that the store has for each incoming id, where the two differ.
    """
    for draft in incoming:
        found = _find(tx, owner, draft)
        if found is None:
            insert_attachment(tx, owner, draft)
            merged.attachments_added += draft.sha256 is not None
            continue
        pk, before = found
        if before.id != draft.id:
            names[draft.id] = before.id
        if draft.sha256 is None or draft.sha256 == before.sha256:
            continue
        if before.sha256 is None or not (outdated or before.source is None):
            write_attachment(tx, owner, pk, msgspec.structs.replace(draft, id=before.id, source=before.source))
            merged.attachments_added += 1
            merged.spare_blobs += [before.sha256] if before.sha256 is not None else []
        else:
            # What was added here keeps its bytes, whatever a file says that names its id.
            merged.spare_blobs.append(draft.sha256)


def _find(tx: Transaction, owner: str, draft: Attachment) -> tuple[int, Attachment] | None:
    if draft.source is not None:
        return find_attachment(tx, owner, draft.source)
    return attachment_row(tx, owner, draft.id)


def link_unnamed(tx: Transaction, owner: str, conversation_pk: int, ids: Iterable[str]) -> None:
    """Link attachments that no message of their conversation names to its first one, so that they share its fate."""
    tx.many(
        "INSERT INTO message_attachment (owner, message_pk, attachment_pk)"
        " SELECT m.owner, m.pk, a.pk FROM message AS m JOIN attachment AS a ON a.owner = m.owner AND a.id = :id"
        " WHERE m.owner = :owner AND m.conversation_pk = :pk AND m.seq ="
        " (SELECT min(seq) FROM message WHERE owner = :owner AND conversation_pk = :pk)"
        " AND NOT EXISTS (SELECT 1 FROM message_attachment AS l JOIN message AS n ON n.owner = l.owner"
        " AND n.pk = l.message_pk WHERE l.owner = a.owner AND l.attachment_pk = a.pk AND n.conversation_pk = :pk)",
        [{"owner": owner, "pk": conversation_pk, "id": id} for id in ids],
    )
