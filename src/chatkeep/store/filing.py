"""Projects and attachments of an import, found again by their source keys."""

from __future__ import annotations

import msgspec

from chatkeep.model import Attachment, Project
from chatkeep.store.attachments import find_attachment, insert_attachment, write_attachment
from chatkeep.store.engine import Transaction
from chatkeep.store.projects import insert_project, project_row, write_project


def merge_project(tx: Transaction, owner: str, incoming: Project | None) -> str | None:
    """Find or make the project; its id. A name that the source has learned since replaces an empty one only."""
    if incoming is None:
        return None
    key = incoming.source
    row = tx.row("SELECT id FROM project WHERE owner = :owner AND id = :id", {"owner": owner, "id": incoming.id})
    if row is None and key is not None:
        row = tx.row(
            "SELECT id FROM project WHERE owner = :owner AND source_id = :source_id AND source_scope = :scope"
            " AND source_format = :format",
            {"owner": owner, "source_id": key.source_id, "scope": key.scope, "format": key.format},
        )
    if row is None:
        return insert_project(tx, owner, incoming)[1].id
    pk, before = project_row(tx, owner, row[0])
    if not before.name and incoming.name:
        write_project(tx, owner, pk, msgspec.structs.replace(before, name=incoming.name, version=before.version + 1))
    return before.id


def merge_attachments(tx: Transaction, owner: str, incoming: tuple[Attachment, ...], names: dict[str, str]) -> int:
    """Add attachments, or fill in bytes that were missing; how many bytes became known.

    ``names`` collects the id that the store has for each incoming id, where the two differ.
    """
    added = 0
    for draft in incoming:
        found = find_attachment(tx, owner, draft.source) if draft.source is not None else None
        if found is None and draft.source is None:
            row = tx.row("SELECT 1 FROM attachment WHERE owner = :owner AND id = :id", {"owner": owner, "id": draft.id})
            if row is not None:
                continue
        if found is None:
            insert_attachment(tx, owner, draft)
            added += draft.sha256 is not None
            continue
        pk, before = found
        if before.id != draft.id:
            names[draft.id] = before.id
        if draft.sha256 is not None and draft.sha256 != before.sha256:
            write_attachment(tx, owner, pk, msgspec.structs.replace(draft, id=before.id, source=before.source))
            added += 1
    return added
