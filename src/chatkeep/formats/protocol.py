"""What an adapter is: a module (or small package) that reads, and perhaps writes, one app's format.

Adapters know neither the store nor each other. They hand over records in the source's own terms - its ids, its
parents - and the importing service gives them identity, order and a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

import msgspec

from chatkeep.model import Attachment, Conversation, Message, Part, Project, Role, Status, Usage


class Skipped(msgspec.Struct, frozen=True):
    """Something that could not be read. ``where`` is its place in the source, ``reason`` says what is wrong.

    Neither holds message text or secrets: both end up in reports and logs.
    """

    where: str
    reason: str


class SourceAttachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a source mentions.

    ``open`` gives its bytes from the start at each call, or is None when the source does not hold them (they count
    as missing). ``source_id`` is what :class:`~chatkeep.model.AttachmentRef` parts and links name it by, within the
    conversation's scope.
    """

    source_id: str
    name: str
    media_type: str | None = None
    """None lets the importing service guess from name and first bytes."""
    open: Callable[[], BinaryIO] | None = None
    size_bytes: int | None = None
    kind: str = "upload"
    created_at: datetime | None = None
    extra: dict[str, Any] = {}


class SourceMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in its source's terms: ids and parents are the source's. Fields mean what they mean on Message.

    In ``parts``, an ``AttachmentRef.attachment_id`` is the ``source_id`` of a :class:`SourceAttachment` of the same
    conversation; the service puts our id there. ``extra`` holds what has no field, under the source's own key names;
    the service files it under the format's name and counts its keys as kept but not mapped.
    """

    source_id: str
    parent_id: str | None = None
    role: Role
    parts: tuple[Part, ...] = ()
    created_at: datetime | None = None
    """None when the source does not say: the service takes the parent's, else the conversation's."""
    completed_at: datetime | None = None
    model: str | None = None
    provider: str | None = None
    status: Status = "complete"
    hidden: bool = False
    reply_set: str | None = None
    reply_index: int = 0
    selected: bool = True
    rating: int | None = None
    usage: Usage | None = None
    cost_nanos: int | None = None
    priced_by: str | None = None
    extra: dict[str, Any] = {}


class SourceProject(msgspec.Struct, frozen=True, kw_only=True):
    """A project that a source files conversations under; ``name`` may be empty when the source does not say it.

    ``ancestors`` are those that it lies in, the outermost first, as far as the source tells of them;
    ``parent_source_id`` names the one that it lies in directly.
    """

    source_id: str
    name: str
    description: str | None = None
    instructions: str | None = None
    parent_source_id: str | None = None
    ancestors: tuple[SourceProject, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = {}


class SourceConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation in its source's terms, whole.

    ``scope`` is empty if the format's message ids are unique everywhere, else usually the conversation's source id:
    messages and attachments are identified by (format, scope, source_id). ``messages`` come in the source's order,
    parents wherever they are; the service sorts. ``head_id`` is the source id of the message last shown; None lets
    the service take the newest leaf.
    """

    source_id: str
    conversation_scope: str = ""
    """Scope of the conversation's own id; empty if conversation ids are unique everywhere."""
    scope: str = ""
    title: str | None = None
    kind: str = "chat"
    workspace: str | None = None
    agent: str | None = None
    session_id: str | None = None
    stand_in: bool = False
    """True for what another file still tells of a conversation whose own record is gone. The service leaves it out
    while it knows a conversation of this format with the same ``session_id``, and takes it away when that arrives."""
    project: SourceProject | None = None
    pinned: bool = False
    archived: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    head_id: str | None = None
    tags: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    messages: tuple[SourceMessage, ...] = ()
    attachments: tuple[SourceAttachment, ...] = ()
    problems: tuple[Skipped, ...] = ()
    """What inside this conversation could not be read; the rest of it is here."""
    extra: dict[str, Any] = {}


class OwnConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation in Chatkeep's own terms, ids and all; only Chatkeep's own format reads these."""

    conversation: Conversation
    project: Project | None = None
    messages: tuple[Message, ...] = ()
    attachments: tuple[SourceAttachment, ...] = ()
    """``source_id`` is the attachment's own id here."""
    attachment_values: tuple[Attachment, ...] = ()
    """What Chatkeep kept of each of ``attachments``, in the same order."""
    problems: tuple[Skipped, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation of a source, found but perhaps not decoded yet.

    ``fingerprint`` identifies the exact source bytes (and the adapter's revision) that ``load`` decodes: a record
    whose fingerprint was imported before is passed over without decoding. None means always decode.
    ``where`` is its place in the source, for reports, e.g. ``conversations.json item 12``.
    """

    where: str
    fingerprint: str | None
    load: Callable[[], SourceConversation | OwnConversation]
    """Decode now. Raises ValueError, KeyError, TypeError or msgspec errors for a record that cannot be read at all:
    the service reports it as skipped with its place."""


class NotImported(msgspec.Struct, frozen=True):
    """A whole category of the source that this version does not read, named in the report, e.g. ``rules`` 3."""

    what: str
    count: int


@runtime_checkable
class Probe(Protocol):
    """What recognising may look at: cheap facts about a source, nothing decoded."""

    @property
    def path(self) -> Path:
        """Where it is; its name is a hint, never proof."""
        ...

    @property
    def kind(self) -> str:
        """``file``, ``zip``, ``directory`` or ``sqlite``."""
        ...

    @property
    def head(self) -> bytes:
        """The first 64 KiB of a file (a byte order mark removed), of the first JSON member otherwise."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Member paths of a zip or directory with ``/`` (at most 10,000), empty otherwise."""
        ...

    @property
    def tables(self) -> frozenset[str]:
        """Table names of a SQLite database, empty otherwise."""
        ...


class Member(Protocol):
    """One file of a source; nothing is unpacked to disk by its name."""

    name: str
    """Path inside the source, with ``/``; hostile: never used as a path to write to."""
    size_bytes: int

    def open(self) -> BinaryIO:
        """A new stream of its bytes from the start. Raises UnreadableSourceError (damage, bombs)."""
        ...


class Closeable(Protocol):
    """Something to be closed in the end."""

    def close(self) -> None:
        """Release it; repeating it is harmless."""
        ...


class Source(Protocol):
    """A readable source: one file, a zip, a directory or a SQLite database, seen alike."""

    path: Path
    kind: str
    skipped: tuple[Skipped, ...]
    """What of it is never read: hostile names, symbolic links, special files. The importing service reports them."""

    def members(self) -> list[Member]:
        """All files in it, sorted by name; a single file is its own only member."""
        ...

    def member(self, base_name: str) -> Member | None:
        """The member with this base name that lies least deep, or None."""
        ...

    def database(self, name: str | None = None) -> Any:
        """A read-only ``apsw.Connection`` to a private copy of a SQLite database made together with its WAL.

        ``name`` is that of a member of a zip or directory; None means the source itself. Text that is not UTF-8 must
        be read as blobs. Asked again it is the same connection; closed with the source.

        Raises:
            UnreadableSourceError: Not there, not a database, damaged, or a program keeps writing to it.
        """
        ...

    def keep_open(self, resource: Closeable) -> None:
        """Close ``resource``, which records need to be loaded, together with this source."""
        ...


class FormatAdapter(Protocol):
    """A module that reads one format."""

    name: str
    """Stable, lower case: the value of ``--as`` and of a conversation's source, e.g. ``chatgpt``."""
    title: str
    """For people, e.g. ``ChatGPT data export``."""

    def recognises(self, probe: Probe) -> bool:
        """Whether the source is certainly of this format; never raises, reads nothing beyond the probe."""
        ...

    def read(self, source: Source) -> Iterator[Record | Skipped | NotImported]:
        """Every conversation of the source, streamed: memory is bounded by the largest single conversation.

        Raises:
            UnreadableSourceError: The source as a whole cannot be read.
        """
        ...


class ExportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer gets of one conversation. ``messages`` are all of its messages in ``seq`` order."""

    conversation: Conversation
    project: Project | None
    messages: Iterable[Message]
    attachments: tuple[Attachment, ...] = ()
    open_blob: Callable[[str], BinaryIO]
    """Opens the bytes of a SHA-256. Raises BlobMissingError."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer made."""

    conversations: int
    messages: int
    attachments: int
    missing_attachments: int
    files: tuple[Path, ...]
    left_out: tuple[Skipped, ...] = ()
    """What the format has no place for, per conversation and kind."""


class FormatWriter(Protocol):
    """A module that writes one format."""

    name: str
    title: str

    def write(self, records: Iterable[ExportRecord], destination: Path) -> Written:
        """Write all records to ``destination``, a file or folder as the format's documentation says.

        Written beside it under a temporary name, synced and renamed: it is whole or not there. Existing files are
        never overwritten.

        Raises:
            DestinationExistsError: ``destination`` is there already and is not an empty folder.
        """
        ...
