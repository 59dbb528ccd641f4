"""Projects: a tree, in which each conversation names its place."""

from __future__ import annotations

from typing import Any

import msgspec

from chatkeep.formats.protocol import SourceProject
from chatkeep.formats.values import Fields, Problems

from .secrets import without_secrets

_MAX_DEPTH = 100


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
        """How many no conversation was filed under, nor under one inside them."""
        return len(self._known.keys() - self._used)

    def of(self, project_id: str | None, problems: Problems) -> SourceProject | None:
        """The project with this id; None for one that was deleted. One that the file is silent about has no name."""
        if not project_id:
            return None
        value = self._known.get(project_id)
        if value is None:
            return None if self.is_complete else SourceProject(source_id=project_id, name="")
        ancestors = tuple(_project(item, Problems()) for item in self._above(value))
        return msgspec.structs.replace(_project(value, problems.at(f"project {project_id[:40]}")), ancestors=ancestors)

    def _above(self, value: dict[str, Any]) -> list[dict[str, Any]]:
        """The projects that one lies in, the outermost first; parents in a circle are followed once round."""
        seen, above = {value["id"]}, list[dict[str, Any]]()
        while len(above) < _MAX_DEPTH:
            id = value.get("parentId")
            if not isinstance(id, str) or id in seen or id not in self._known:
                break
            seen.add(id)
            value = self._known[id]
            above.append(value)
        return above[::-1]

    def raw(self, project_id: Any) -> bytes:
        """What decides :meth:`of`, for fingerprints; counts the project as used."""
        value = None
        if isinstance(project_id, str):
            self._used.add(project_id)
            value = self._known.get(project_id)
        above = self._above(value) if value else []
        self._used.update(item["id"] for item in above)
        return repr((self.is_complete, value, *above)).encode("utf-8", "surrogatepass")


def _project(value: dict[str, Any], problems: Problems) -> SourceProject:
    fields = Fields(value, problems)
    fields.ignore("id")
    return SourceProject(
        source_id=value["id"],
        name=fields.text("name") or "",
        instructions=fields.text("systemPrompt") or None,
        parent_source_id=fields.text("parentId"),
        created_at=fields.time_from_iso("createdAt"),
        updated_at=fields.time_from_iso("updatedAt"),
        extra=without_secrets(fields.rest()),
    )
