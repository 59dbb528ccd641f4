"""The projects that chats are filed under."""

from __future__ import annotations

from typing import Any

from chatkeep.formats.protocol import SourceProject
from chatkeep.formats.values import Fields, Problems

from .chats import DEFAULT_PROJECT, without_defaults
from .tables import Row, Tables


class Projects:
    """All projects of a database, by id; there are few."""

    def __init__(self, tables: Tables) -> None:
        self._rows = {row["id"]: row for row in tables.rows("projects", "1") if isinstance(row.get("id"), str)}
        self._files: dict[str, list[str]] = {}
        for link in tables.rows("project_attachments", "1"):
            self._files.setdefault(str(link.get("project_id")), []).append(str(link.get("attachment_id")))

    def of(self, project_id: object, problems: Problems) -> SourceProject | None:
        """The project with this id; None for one that is not there, and for the default one while it says nothing."""
        row = self._rows.get(project_id) if isinstance(project_id, str) else None
        if row is None or not isinstance(project_id, str):
            if project_id not in (None, DEFAULT_PROJECT):
                problems.add("project_id", "there is no such project")
            return None
        if project_id == DEFAULT_PROJECT and not (row.get("context_text") or project_id in self._files):
            return None
        fields = Fields(row, problems.at(f"project {project_id}"))
        fields.ignore("id")
        name = fields.text("name") or ""
        instructions = fields.text("context_text") or None
        created_at, updated_at = fields.time_from_iso("created_at"), fields.time_from_iso("updated_at")
        extra: dict[str, Any] = without_defaults(fields.rest())
        if project_id in self._files:
            extra["project_attachments"] = self._files[project_id]
        return SourceProject(
            source_id=project_id,
            name=name,
            instructions=instructions,
            created_at=created_at,
            updated_at=updated_at,
            extra=extra,
        )

    def raw(self, project_id: object) -> bytes:
        """What decides :meth:`of`, for fingerprints."""
        row: Row | None = self._rows.get(project_id) if isinstance(project_id, str) else None
        return repr((row, self._files.get(str(project_id)))).encode("utf-8", "surrogatepass")
