"""A conversation: the header over a tree of messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from chatkeep.model.message import Usage
from chatkeep.model.source import SourceKey
from chatkeep.model.time import from_us

ConversationKind = Literal["chat", "agent"]


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One conversation as the store keeps it.

    ``head_id`` is the leaf being shown: the thread is the walk from it to the root. ``message_count``, ``preview``,
    ``usage`` and ``cost_nanos`` are derived from the messages. ``overrides`` names the fields that were changed here;
    a re-import leaves them alone. ``version`` grows with each change of the header, for optimistic locking.
    """

    id: str
    title: str | None = None
    project_id: str | None = None
    kind: ConversationKind = "chat"
    workspace: str | None = None
    agent: str | None = None
    session_id: str | None = None
    head_id: str | None = None
    pinned: bool = False
    archived: bool = False
    trashed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    message_count: int = 0
    preview: str = ""
    usage: Usage = Usage()
    cost_nanos: int | None = None
    models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    source: SourceKey | None = None
    source_digest: str | None = None
    overrides: tuple[str, ...] = ()
    version: int = 1
    extra: dict[str, Any] = {}


class ConversationSummary(msgspec.Struct, frozen=True, gc=False):
    """A row of a list of conversations; positional, in the order of the list query's columns."""

    id: str
    title: str | None
    project_id: str | None
    kind: str
    source: str | None
    """Name of the format that it was imported from; None for what was born here."""
    pinned_flag: int
    """1 or 0, as the table has it: converting all of a long list would slow it down."""
    archived_flag: int
    """1 or 0."""
    trashed_us: int | None
    created_us: int
    updated_us: int
    message_count: int
    preview: str
    cost_nanos: int | None
    tags_json: str | None

    @property
    def pinned(self) -> bool:
        """Whether it is kept at hand."""
        return bool(self.pinned_flag)

    @property
    def archived(self) -> bool:
        """Whether it is put aside."""
        return bool(self.archived_flag)

    @property
    def created_at(self) -> datetime:
        """When the conversation began, UTC."""
        return from_us(self.created_us)

    @property
    def updated_at(self) -> datetime:
        """When it last changed, UTC."""
        return from_us(self.updated_us)

    @property
    def trashed_at(self) -> datetime | None:
        """When it went to the trash, UTC; None if it is not there."""
        return None if self.trashed_us is None else from_us(self.trashed_us)

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of its tags, sorted."""
        return () if self.tags_json is None else msgspec.json.decode(self.tags_json, type=tuple[str, ...])
