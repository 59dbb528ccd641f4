"""Projects: a tree of folders for conversations."""

from __future__ import annotations

from typing import Any

import msgspec

from chatkeep.encoding import encode_json
from chatkeep.errors import ConflictError, DuplicateError, ProjectNotFoundError, UsageError
from chatkeep.model import Page, Project, new_id, to_us, utc_now
from chatkeep.store import changes
from chatkeep.store.admitting import admitted
from chatkeep.store.cursors import cursor_position, cursor_text, page_size
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.rows import names_of

_project = msgspec.json.Decoder(Project)
_encode = msgspec.json.Encoder().encode


class Projects:
    """The projects of one owner."""

    def __init__(self, engine: Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def create(self, name: str, *, parent_id: str | None = None, id: str | None = None, **fields: Any) -> Project:
        """A new project; ``fields`` are further ones of :class:`~chatkeep.model.Project`.

        Raises:
            ProjectNotFoundError: The parent does not exist.
            DuplicateError: There is a project with this id.
            UsageError: An unknown field, or a value that could not be read back.
        """
        now = utc_now()
        try:
            draft = Project(
                **{"created_at": now, "updated_at": now} | fields, id=id or new_id(), name=name, parent_id=parent_id
            )
        except TypeError as error:
            raise UsageError(f"cannot make a project of this: {error}") from error
        return self._engine.write(lambda tx: insert_project(tx, self._owner, draft)[1])

    def get(self, id: str) -> Project:
        """One project. Raises ProjectNotFoundError."""
        return self._engine.read(lambda tx: project_row(tx, self._owner, id)[1])

    def find(self, name: str) -> list[Project]:
        """The projects of this name, whatever its case; usually none or one."""
        rows = self._engine.read(
            lambda tx: tx.rows(
                "SELECT body FROM project WHERE owner = :owner AND name_key = :key ORDER BY id LIMIT 100",
                {"owner": self._owner, "key": name.strip().casefold()},
            )
        )
        return [_project.decode(row[0]) for row in rows]

    def update(self, id: str, *, version: int | None = None, **fields: Any) -> Project:
        """Change fields of a project: ``name``, ``parent_id``, ``description``, ``instructions`` or ``extra``.

        Raises:
            ProjectNotFoundError, ConflictError: Nothing was written.
            UsageError: Another field, a value that could not be read back, or it would become its own ancestor.
        """
        if set(fields) - _EDITABLE:
            raise UsageError(f"not fields that can be changed: {', '.join(sorted(set(fields) - _EDITABLE))}")

        def work(tx: Transaction) -> Project:
            pk, before = project_row(tx, self._owner, id)
            if version is not None and version != before.version:
                raise ConflictError(f"project {id}", expected=version, actual=before.version)
            after = msgspec.structs.replace(before, **fields, version=before.version + 1, updated_at=utc_now())
            _refuse_cycle(tx, self._owner, after)
            return write_project(tx, self._owner, pk, after)

        return self._engine.write(work)

    def rename(self, id: str, name: str, *, version: int | None = None) -> Project:
        """Give it another name."""
        return self.update(id, version=version, name=name)

    def delete(self, id: str) -> None:
        """Delete it and its sub-projects; their conversations are kept, under none. Raises ProjectNotFoundError."""

        def work(tx: Transaction) -> None:
            pk, _ = project_row(tx, self._owner, id)
            rows = tx.rows(
                "WITH RECURSIVE below (pk, id) AS (SELECT pk, id FROM project WHERE owner = :owner AND pk = :pk"
                " UNION SELECT p.pk, p.id FROM project AS p JOIN below AS b ON p.parent_pk = b.pk"
                " WHERE p.owner = :owner)"
                " SELECT pk, id FROM below",
                {"owner": self._owner, "pk": pk},
            )
            for below_pk, below_id in rows:
                key = {"owner": self._owner, "pk": below_pk}
                _unfile(tx, self._owner, below_pk)
                changes.record(tx, self._owner, "project", "delete", below_pk, below_id)
                tx.run("UPDATE project SET parent_pk = NULL WHERE owner = :owner AND parent_pk = :pk", key)
                tx.run("DELETE FROM project WHERE owner = :owner AND pk = :pk", key)

        self._engine.write(work)

    def list(self, *, limit: int = 1000, cursor: str | None = None) -> Page[Project]:
        """Projects by name (without regard to case), then id. Raises CursorError."""
        name, id = cursor_position(cursor, "projects", (str, str)) if cursor else ("", "")
        size = page_size(limit)
        rows = self._engine.read(
            lambda tx: tx.rows(
                "SELECT body, name_key, id FROM project WHERE owner = :owner AND (name_key, id) > (:name, :id)"
                " ORDER BY name_key, id LIMIT :size",
                {"owner": self._owner, "name": name, "id": id, "size": size},
            )
        )
        items = [_project.decode(row[0]) for row in rows]
        return Page(items, cursor_text("projects", rows[-1][1], rows[-1][2]) if len(rows) == size else None)


def project_row(tx: Transaction, owner: str, id: str) -> tuple[int, Project]:
    """Key and value of a project. Raises ProjectNotFoundError."""
    row = tx.row("SELECT pk, body FROM project WHERE owner = :owner AND id = :id", {"owner": owner, "id": id})
    if row is None:
        raise ProjectNotFoundError(id)
    return int(row[0]), _project.decode(row[1])


def insert_project(tx: Transaction, owner: str, draft: Project) -> tuple[int, Project]:
    """Insert a project; its key, and its value as stored."""
    draft = admitted(draft)
    if tx.row("SELECT 1 FROM project WHERE owner = :owner AND id = :id", {"owner": owner, "id": draft.id}):
        raise DuplicateError(f"project {draft.id}")
    row = tx.row(
        "INSERT INTO project (owner, id, name, name_key, parent_pk, created_at, updated_at, source_format,"
        " source_scope, source_id, version, body) VALUES (:owner, :id, :name, :name_key, :parent_pk, :created_at,"
        " :updated_at, :source_format, :source_scope, :source_id, :version, :body) RETURNING pk",
        _columns(tx, owner, draft),
    )
    assert row is not None
    changes.record(tx, owner, "project", "create", row[0], draft.id)
    return int(row[0]), draft


def write_project(tx: Transaction, owner: str, pk: int, project: Project) -> Project:
    """Rewrite a project's row."""
    project = admitted(project)
    tx.run(
        "UPDATE project SET name = :name, name_key = :name_key, parent_pk = :parent_pk, updated_at = :updated_at,"
        " version = :version, body = :body WHERE owner = :owner AND pk = :pk",
        {key: value for key, value in _columns(tx, owner, project).items() if key in _UPDATED} | {"pk": pk},
    )
    changes.record(tx, owner, "project", "put", pk, project.id)
    return project


_EDITABLE = {"name", "parent_id", "description", "instructions", "extra"}
_UPDATED = {"owner", "name", "name_key", "parent_pk", "updated_at", "version", "body"}


def _columns(tx: Transaction, owner: str, project: Project) -> dict[str, Any]:
    key = project.source
    return {
        "owner": owner,
        "id": project.id,
        "name": project.name,
        "name_key": project.name.strip().casefold(),
        "parent_pk": None if project.parent_id is None else project_row(tx, owner, project.parent_id)[0],
        "created_at": to_us(project.created_at),
        "updated_at": to_us(project.updated_at),
        "source_format": key.format if key else None,
        "source_scope": key.scope if key else None,
        "source_id": key.source_id if key else None,
        "version": project.version,
        "body": _encode(project).decode(),
    }


def _refuse_cycle(tx: Transaction, owner: str, project: Project) -> None:
    seen, parent_id = {project.id}, project.parent_id
    while parent_id is not None:
        if parent_id in seen:
            raise UsageError(f"project {project.id} cannot lie inside itself")
        seen.add(parent_id)
        parent_id = project_row(tx, owner, parent_id)[1].parent_id


def _unfile(tx: Transaction, owner: str, pk: int) -> None:
    """Take all conversations out of a project; imports do not file them there again."""
    key = {"owner": owner, "pk": pk}
    rows = tx.rows("SELECT pk, id, overrides FROM conversation WHERE owner = :owner AND project_pk = :pk", key)
    tx.many(
        "UPDATE conversation SET project_pk = NULL, overrides = :overrides, version = version + 1"
        " WHERE owner = :owner AND pk = :pk",
        [
            {"owner": owner, "pk": row_pk, "overrides": encode_json(sorted({*names_of(overrides), "project_id"}))}
            for row_pk, _, overrides in rows
        ],
    )
    changes.record_many(tx, [changes.change_params(owner, "conversation", "put", row_pk, id) for row_pk, id, _ in rows])
