"""Projects: a tree, in which each conversation names its place."""

from __future__ import annotations

from typing import Any

from chatkeep.formats.protocol import SourceProject
from chatkeep.formats.values import Fields, Problems

from .secrets import without_secrets


class Projects:
    """The projects that a file tells of, by id. ``is_complete`` says whether those that it lacks are gone."""

    def __init__(self, *, is_complete: bool) -> None:
        self.is_complete = is_complete
        self._known: dict[str, dict[str, Any]] = {}
        self._used: set[str] = set()

    def add(self, value: Any) -> bool:
        """Take in a project as it was decoded; False if it is none."""
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            return False
        self._known[value["id"]] = value
        return True

    @property
    def unused(self) -> int:
        """How many no conversation was filed under."""
        return len(self._known.keys() - self._used)

    def of(self, project_id: str | None, problems: Problems) -> SourceProject | None:
        """The project with this id; None for one that was deleted. One that the file is silent about has no name."""
        if not project_id:
            return None
        value = self._known.get(project_id)
        if value is None:
            return None if self.is_complete else SourceProject(source_id=project_id, name="")
        fields = Fields(value, problems.at(f"project {project_id[:40]}"))
        fields.ignore("id")
        return SourceProject(
            source_id=project_id,
            name=fields.text("name") or "",
            instructions=fields.text("systemPrompt") or None,
            parent_source_id=fields.text("parentId"),
            created_at=fields.time_from_iso("createdAt"),
            updated_at=fields.time_from_iso("updatedAt"),
            extra=without_secrets(fields.rest()),
        )

    def raw(self, project_id: Any) -> bytes:
        """What decides :meth:`of`, for fingerprints; counts the project as used."""
        value = None
        if isinstance(project_id, str):
            self._used.add(project_id)
            value = self._known.get(project_id)
        return repr((self.is_complete, value)).encode("utf-8", "surrogatepass")
