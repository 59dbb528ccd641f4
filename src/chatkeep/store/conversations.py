"""Conversations: their headers, where they are filed, the trash, and which branch is shown."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from chatkeep.encoding import encode_json, storable
from chatkeep.errors import (
    ConflictError,
    ConversationNotFoundError,
    DuplicateError,
    ProjectNotFoundError,
    UsageError,
)
from chatkeep.model import Conversation, ConversationSummary, Page, new_id, to_us, utc_now
from chatkeep.store import branches, changes, tags
from chatkeep.store.admitting import admitted
from chatkeep.store.branches import Branch
from chatkeep.store.counting import read_preview
from chatkeep.store.engine import Engine, Row, Transaction
from chatkeep.store.listing import Filter, list_page
from chatkeep.store.lookup import conversation_pk
from chatkeep.store.resolving import resolve
from chatkeep.store.rows import CONVERSATION_COLUMNS, CONVERSATION_FROM, conversation_of, names_of

_EXISTS = "SELECT 1 FROM conversation WHERE owner = :owner AND id = :id"
INSERT_CONVERSATION = (
    "INSERT INTO conversation (owner, id, title, project_pk, kind, workspace, agent, session_id, pinned, archived,"
    " created_at, updated_at, settings, source_format, source_scope, source_id, source_digest, overrides, extra)"
    " VALUES (:owner, :id, :title, :project_pk, :kind, :workspace, :agent, :session_id, :pinned, :archived,"
    " :created_at, :updated_at, :settings, :source_format, :source_scope, :source_id, :source_digest, :overrides,"
    " :extra) RETURNING pk"
)


class Conversations:
    """The conversations of one owner."""

    def __init__(self, engine: Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def create(
        self,
        *,
        title: str | None = None,
        project_id: str | None = None,
        tags: Iterable[str] = (),
        id: str | None = None,
        **fields: Any,
    ) -> Conversation:
        """A new, empty conversation; ``fields`` are further ones of :class:`~chatkeep.model.Conversation`.

        Raises:
            ProjectNotFoundError, DuplicateError: Nothing was written.
            UsageError: A field that is unknown or follows from messages, or a value that could not be read back.
        """
        now = utc_now()
        if set(fields) - _AT_FIRST:
            raise UsageError(f"a conversation begins without {', '.join(sorted(set(fields) - _AT_FIRST))}")
        draft = admitted(
            Conversation(
                **{"created_at": now, "updated_at": now} | fields, id=id or new_id(), title=title, project_id=project_id
            )
        )
        names = tuple(tags)

        def work(tx: Transaction) -> Conversation:
            if id is not None and tx.row(_EXISTS, {"owner": self._owner, "id": draft.id}):
                raise DuplicateError(f"conversation {draft.id}")
            pk = insert_conversation(tx, self._owner, draft)
            if names:
                set_tags(tx, self._owner, pk, set(names))
            return read_conversation(tx, self._owner, draft.id)

        return self._engine.write(work)

    def get(self, id: str) -> Conversation:
        """One conversation, in the trash or not. Raises ConversationNotFoundError."""
        return self._engine.read(lambda tx: read_conversation(tx, self._owner, id))

    def resolve(self, text: str) -> str:
        """The id that a person means: an id, a source's id, or a unique beginning or end of an id.

        Raises:
            ConversationNotFoundError, AmbiguousIdError: As they say.
        """
        return self._engine.read(lambda tx: resolve(tx, self._owner, text))

    def rename(self, id: str, title: str | None, *, version: int | None = None) -> Conversation:
        """Give it another title; imports leave the title alone from then on. Raises ConflictError."""
        return self.update(id, version=version, title=title)

    def pin(self, id: str, *, version: int | None = None) -> Conversation:
        """Pin it."""
        return self.update(id, version=version, pinned=True)

    def unpin(self, id: str, *, version: int | None = None) -> Conversation:
        """Unpin it."""
        return self.update(id, version=version, pinned=False)

    def archive(self, id: str, *, version: int | None = None) -> Conversation:
        """Put it out of sight; it stays searchable."""
        return self.update(id, version=version, archived=True)

    def unarchive(self, id: str, *, version: int | None = None) -> Conversation:
        """Take it back from the archive."""
        return self.update(id, version=version, archived=False)

    def move(self, id: str, project_id: str | None, *, version: int | None = None) -> Conversation:
        """File it under a project, or under none. Raises ProjectNotFoundError."""
        return self.update(id, version=version, project_id=project_id)

    def update(self, id: str, *, version: int | None = None, **fields: Any) -> Conversation:
        """Change fields of the header, as this owner's own decision: imports leave them alone from then on.

        Args:
            id: A full id.
            version: The version that the caller saw; None changes whatever is there.
            fields: Of ``title``, ``pinned``, ``archived``, ``project_id``, ``settings``, ``extra``, ``session_id``.

        Raises:
            ConversationNotFoundError, ProjectNotFoundError, ConflictError: Nothing was written.
            UsageError: Another field, or a value that could not be read back.
        """
        if set(fields) - _EDITABLE:
            raise UsageError(f"not fields that can be changed: {', '.join(sorted(set(fields) - _EDITABLE))}")

        def work(tx: Transaction) -> Conversation:
            return edit(tx, self._owner, id, version, fields)

        return self._engine.write(work)

    def tag(self, id: str, *names: str, version: int | None = None) -> Conversation:
        """Add tags; new ones are made."""
        return self._retag(id, version, lambda old: old | set(names))

    def untag(self, id: str, *names: str, version: int | None = None) -> Conversation:
        """Take tags away; those that it does not carry are no error."""
        keys = {tags.name_key(name) for name in names}
        return self._retag(id, version, lambda old: {name for name in old if tags.name_key(name) not in keys})

    def _retag(self, id: str, version: int | None, change: Callable[[set[str]], set[str]]) -> Conversation:
        def work(tx: Transaction) -> Conversation:
            pk = conversation_pk(tx, self._owner, id)
            row = tx.row(
                "SELECT tags FROM conversation WHERE pk = :pk AND owner = :owner", {"pk": pk, "owner": self._owner}
            )
            set_tags(tx, self._owner, pk, change(set(names_of(row[0] if row else None))))
            return edit(tx, self._owner, id, version, {}, overridden=("tags",))

        return self._engine.write(work)

    def delete(self, id: str) -> None:
        """Move it to the trash; repeating it is harmless. Raises ConversationNotFoundError."""
        self._trash(id, utc_now())

    def restore(self, id: str) -> Conversation:
        """Take it back from the trash. Raises ConversationNotFoundError."""
        self._trash(id, None)
        return self.get(id)

    def _trash(self, id: str, at: datetime | None) -> None:
        def work(tx: Transaction) -> None:
            pk = conversation_pk(tx, self._owner, id)
            changed = tx.run(
                "UPDATE conversation SET trashed_at = :at, version = version + 1"
                f" WHERE owner = :owner AND pk = :pk AND trashed_at IS {'NOT' if at is None else ''} NULL",
                {"owner": self._owner, "pk": pk, "at": None if at is None else to_us(at)},
            )
            if changed:
                changes.record(tx, self._owner, "conversation", "restore" if at is None else "trash", pk, id)

        self._engine.write(work)

    def branches(self, id: str) -> builtins.list[Branch]:
        """Its leaves, newest first: each is the end of a branch. Raises ConversationNotFoundError."""
        return self._engine.read(lambda tx: branches.branches(tx, self._owner, id))

    def switch(self, id: str, message_id: str) -> Conversation:
        """Show the branch that a message is on: the head becomes the newest leaf below it.

        Raises:
            ConversationNotFoundError, MessageNotFoundError: Nothing was written.
        """

        def work(tx: Transaction) -> Conversation:
            return show(tx, self._owner, id, branches.newest_leaf(tx, self._owner, id, message_id))

        return self._engine.write(work)

    def list(
        self, wanted: Filter | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[ConversationSummary]:
        """A page of the conversations that a filter lets through, newest first.

        Raises:
            CursorError, UsageError: As they say.
        """
        return self._engine.read(lambda tx: list_page(tx, self._owner, wanted or Filter(), limit=limit, cursor=cursor))


def insert_conversation(tx: Transaction, owner: str, draft: Conversation) -> int:
    """Insert a header; its pk. The counters start at zero."""
    draft = storable(draft)
    key = draft.source
    row = tx.row(
        INSERT_CONVERSATION,
        {
            "owner": owner,
            "id": draft.id,
            "title": draft.title,
            "project_pk": project_pk(tx, owner, draft.project_id),
            "kind": draft.kind,
            "workspace": draft.workspace,
            "agent": draft.agent,
            "session_id": draft.session_id,
            "pinned": int(draft.pinned),
            "archived": int(draft.archived),
            "created_at": to_us(draft.created_at),
            "updated_at": to_us(draft.updated_at),
            "settings": encode_json(draft.settings),
            "source_format": key.format if key else None,
            "source_scope": key.scope if key else None,
            "source_id": key.source_id if key else None,
            "source_digest": draft.source_digest,
            "overrides": encode_json(draft.overrides),
            "extra": encode_json(draft.extra),
        },
    )
    assert row is not None
    changes.record(tx, owner, "conversation", "create", row[0], draft.id)
    return int(row[0])


def read_conversation(tx: Transaction, owner: str, id: str) -> Conversation:
    """The header with this id. Raises ConversationNotFoundError."""
    return conversation_of(_row(tx, owner, id))


def _row(tx: Transaction, owner: str, id: str) -> Row:
    row = tx.row(
        f"SELECT {CONVERSATION_COLUMNS} FROM {CONVERSATION_FROM} WHERE c.owner = :owner AND c.id = :id",
        {"owner": owner, "id": id},
    )
    if row is None:
        raise ConversationNotFoundError(id)
    return row


_EDITABLE = {"title", "pinned", "archived", "project_id", "settings", "extra", "session_id"}
_AT_FIRST = _EDITABLE | {
    "kind",
    "workspace",
    "agent",
    "created_at",
    "updated_at",
    "source",
    "source_digest",
    "overrides",
}


def edit(
    tx: Transaction,
    owner: str,
    id: str,
    version: int | None,
    fields: dict[str, Any],
    *,
    overridden: tuple[str, ...] = (),
) -> Conversation:
    """Change a header and remember which fields were changed here: an import would write them, too."""
    before = read_conversation(tx, owner, id)
    if version is not None and version != before.version:
        raise ConflictError(f"conversation {id}", expected=version, actual=before.version)
    pk = conversation_pk(tx, owner, id)
    changed = {name for name, value in fields.items() if getattr(before, name) != value}
    if not changed and not overridden:
        return before
    after = admitted(msgspec.structs.replace(before, **fields))
    remembered = {*before.overrides, *overridden, *changed}
    write_header(tx, owner, pk, msgspec.structs.replace(after, overrides=tuple(sorted(remembered))))
    changes.record(tx, owner, "conversation", "put", pk, id)
    return read_conversation(tx, owner, id)


def write_header(tx: Transaction, owner: str, pk: int, after: Conversation) -> None:
    """Rewrite a header, all but its counters and tags, as the next version; the change is the caller's to record."""
    tx.run(
        "UPDATE conversation SET title = :title, pinned = :pinned, archived = :archived, project_pk = :project_pk,"
        " settings = :settings, extra = :extra, session_id = :session_id, workspace = :workspace, agent = :agent,"
        " head_id = :head_id, created_at = :created_at, updated_at = :updated_at, source_digest = :digest,"
        " overrides = :overrides, version = version + 1 WHERE owner = :owner AND pk = :pk",
        {
            "owner": owner,
            "pk": pk,
            "title": after.title,
            "pinned": int(after.pinned),
            "archived": int(after.archived),
            "project_pk": project_pk(tx, owner, after.project_id),
            "settings": encode_json(after.settings),
            "extra": encode_json(after.extra),
            "session_id": after.session_id,
            "workspace": after.workspace,
            "agent": after.agent,
            "head_id": after.head_id,
            "created_at": to_us(after.created_at),
            "updated_at": to_us(after.updated_at),
            "digest": after.source_digest,
            "overrides": encode_json(after.overrides),
        },
    )


def show(tx: Transaction, owner: str, id: str, leaf_id: str) -> Conversation:
    """Make a leaf the head, as this owner's own decision; the preview is of its branch from now on."""
    edit(tx, owner, id, None, {"head_id": leaf_id})
    pk = conversation_pk(tx, owner, id)
    tx.run(
        "UPDATE conversation SET preview = :preview WHERE owner = :owner AND pk = :pk",
        {"owner": owner, "pk": pk, "preview": read_preview(tx, owner, pk)},
    )
    return read_conversation(tx, owner, id)


def set_tags(tx: Transaction, owner: str, pk: int, names: set[str]) -> None:
    """Make a conversation carry exactly these tags."""
    stored = tags.ensure(tx, owner, names)
    tx.run("DELETE FROM conversation_tag WHERE owner = :owner AND conversation_pk = :pk", {"owner": owner, "pk": pk})
    tx.many(
        "INSERT INTO conversation_tag (owner, tag_pk, conversation_pk) VALUES (:owner, :tag_pk, :pk)",
        [{"owner": owner, "tag_pk": tag_pk, "pk": pk} for tag_pk in stored.values()],
    )
    tx.run(
        "UPDATE conversation SET tags = :tags WHERE owner = :owner AND pk = :pk",
        {"owner": owner, "pk": pk, "tags": encode_json(sorted(stored)) if stored else None},
    )


def project_pk(tx: Transaction, owner: str, id: str | None) -> int | None:
    """The key of a project; None for none. Raises ProjectNotFoundError."""
    if id is None:
        return None
    row = tx.row("SELECT pk FROM project WHERE owner = :owner AND id = :id", {"owner": owner, "id": id})
    if row is None:
        raise ProjectNotFoundError(id)
    return int(row[0])
