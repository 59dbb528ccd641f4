"""A conversation on its way into the store, in our terms but not yet merged with what is there."""

from __future__ import annotations

import msgspec

from chatkeep.model import Attachment, Conversation, Message, Project


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation of a source.

    ``messages`` are in an order in which parents come before their children; their ``parent_id`` names another of them
    by its id here, ``seq`` is not set. Ids are those that the records get if they are new; a record that the store
    holds already (by source key, or by id if it has none) keeps the id that it has.
    """

    conversation: Conversation
    project: Project | None = None
    ancestors: tuple[Project, ...] = ()
    """The projects that ``project`` lies in, the outermost first."""
    messages: list[Message]
    attachments: tuple[Attachment, ...] = ()
    include_purged: bool = False
    stand_in: bool = False
    """Pieces of a session that the source has nothing better of: left out where the session is known, replaced by it
    when it comes."""


class Merged(msgspec.Struct, kw_only=True):
    """What merging a conversation did: ``outcome`` is ``added``, ``updated``, ``unchanged`` or ``purged``."""

    outcome: str
    id: str = ""
    messages_added: int = 0
    messages_updated: int = 0
    messages_unchanged: int = 0
    attachments_added: int = 0
    spare_blobs: list[str] = msgspec.field(default_factory=list)
    """SHA-256 of bytes that an attachment had before, or did not get; perhaps nobody names them."""
