"""The builder's front door: small objects that delegate to the store and to services."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chatkeep.bootstrap import Opened, open_store
from chatkeep.errors import UsageError
from chatkeep.model import ConversationSummary, Page
from chatkeep.services.announcing import Events
from chatkeep.store import Filter, Store
from chatkeep.store.attachments import Attachments
from chatkeep.store.changes import Changes
from chatkeep.store.conversations import Conversations
from chatkeep.store.listing import Order
from chatkeep.store.messages import Messages
from chatkeep.store.projects import Projects
from chatkeep.store.streams import Streams
from chatkeep.store.tags import Tags

# Services are imported when they are first called: all formats together take longer to load than a list to read.
if TYPE_CHECKING:
    from chatkeep.formats.protocol import Written
    from chatkeep.services.checking import CheckReport
    from chatkeep.services.counting import Stats
    from chatkeep.services.importing import Listener
    from chatkeep.services.purging import PurgeReport
    from chatkeep.services.reporting import Report
    from chatkeep.store.search import SearchResult


class KeptConversations(Conversations):
    """Conversations, with what reaches beyond the database: purging."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.engine, store.owner)
        self._store = store

    def list(  # type: ignore[override]  # the filters as keywords
        self,
        *,
        project: str | None = None,
        source: str | None = None,
        model: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        trashed: bool = False,
        pinned: bool | None = None,
        archived: bool | None = None,
        order: Order = "updated",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ConversationSummary]:
        """A page of conversations, newest first; None leaves a filter open.

        Args:
            project: A project's id.
            source: A format's name.
            model: A model's full name.
            tag: A tag's name, in any case.
            since: Updated (or created, in that order; or trashed) at or after.
            until: Before.
            trashed: The trash instead of what is outside it.
            pinned: Only pinned, or only others.
            archived: Only archived, or only others.
            order: ``updated`` or ``created``.
            limit: At most so many; never above 1,000.
            cursor: ``next`` of the page before.

        Raises:
            CursorError, UsageError: As they say.
        """
        wanted = Filter(
            project_id=project,
            source=source,
            model=model,
            tag=tag,
            since=since,
            until=until,
            trashed=trashed,
            pinned=pinned,
            archived=archived,
            order=order,
        )
        return super().list(wanted, limit=limit, cursor=cursor)

    def purge(self, *ids: str) -> PurgeReport:
        """Remove conversations for good. See :func:`chatkeep.services.purging.purge`."""
        from chatkeep.services import purging

        return purging.purge(self._store, ids)

    def empty_trash(self, *, older_than: datetime | None = None) -> PurgeReport:
        """Purge what is in the trash, or what went there before a moment."""
        from chatkeep.services import purging

        return purging.empty_trash(self._store, older_than=older_than)


class KeptMessages(Messages):
    """Messages, with replies that are written as they are made."""

    def __init__(self, store: Store, streams: Streams) -> None:
        super().__init__(store.engine, store.owner, store.attachments)
        self.stream = streams.open_stream
        """See :meth:`chatkeep.store.streams.Streams.open_stream`."""
        self.submit_stream = streams.submit_stream
        """See :meth:`chatkeep.store.streams.Streams.submit_stream`."""


class Keep:
    """A store, opened. Made by :func:`chatkeep.open`; a context manager that closes itself.

    Safe to use from many threads at once; a copy inherited over ``fork`` raises StoreClosedError.

    Attributes:
        conversations: Conversations: create, get, list, rename, tag, branches, delete, purge.
        messages: Messages: append, get, list, the shown thread, and replies written as they come.
        projects: Projects, which conversations can be filed under.
        tags: The tags that there are.
        attachments: Files of messages: add, get, open, list.
        changes: The log of what was committed, to follow or to catch up with.
        events: The same as calls of handlers.
        directory: Where the store lies.
        owner: Whose chats this keep shows and writes.
        read_only: Whether it was opened to change nothing.
    """

    # Said in the docstring, since help() does not show what stands below an annotation.
    conversations: KeptConversations
    messages: KeptMessages
    projects: Projects
    tags: Tags
    attachments: Attachments
    changes: Changes
    events: Events
    directory: Path
    owner: str
    read_only: bool

    def __init__(self, opened: Opened) -> None:
        store = self._store = opened.store
        self._opened = opened
        self.directory = opened.layout.directory
        self.read_only = opened.read_only
        self.owner = store.owner
        self.conversations = KeptConversations(store)
        self.messages = KeptMessages(store, Streams(opened.flusher, store.owner))
        self.projects = store.projects
        self.tags = store.tags
        self.attachments = store.attachments
        self.changes = Changes(store.engine, store.owner, opened.follower)
        self.events = Events(self.changes)

    def search(
        self, query: str, *, newest: bool = False, limit: int = 20, cursor: str | None = None, wait: bool = False
    ) -> SearchResult:
        """Find messages and titles; the language of queries is in ``docs/search.md``.

        Args:
            query: Anything a person types; never a syntax error.
            newest: Newest first instead of best first.
            limit: At most so many hits.
            cursor: ``next`` of the page before.
            wait: Index everything committed so far first, however long it takes.

        Raises:
            UsageError: The query is no text.
        """
        if not isinstance(query, str):
            raise UsageError(f"a query is a text, not {type(query).__name__}")
        return self._store.index.search(self.owner, query, newest=newest, limit=limit, cursor=cursor, wait=wait)

    def import_from(
        self,
        path: str | Path,
        *,
        format: str | None = None,
        dry_run: bool = False,
        include_purged: bool = False,
        progress: Listener | None = None,
    ) -> Report:
        """Import everything that a source holds. See :func:`chatkeep.services.importing.import_source`."""
        from chatkeep.services import importing

        return importing.import_source(
            self._store,
            Path(path),
            format=format,
            dry_run=dry_run,
            include_purged=include_purged,
            progress=progress,
            own_directory=self.directory,
        )

    def export(self, ids: Iterable[str] | None, *, to: str, destination: str | Path) -> Written:
        """Write conversations (None: all) in a format. See :func:`chatkeep.services.exporting.export`."""
        from chatkeep.services import exporting

        return exporting.export(self._store, ids, to=to, destination=Path(destination))

    def stats(self) -> Stats:
        """What is kept, counted, without the trash."""
        from chatkeep.services import counting

        return counting.stats(self._store)

    def check(self, *, repair: bool = False, full: bool = True) -> CheckReport:
        """Whether everything is as promised. See :func:`chatkeep.services.checking.check`."""
        from chatkeep.services import checking

        return checking.check(self._store, repair=repair, full=full)

    def close(self) -> None:
        """Finish what is queued and let go of all files; repeating it is harmless, and so is a forked child's call.

        Raises:
            UsageError: A signal handler called it in the midst of a write of its thread.
        """
        if not self._opened.is_inherited:
            self._opened.store.engine.refuse_inside_write()
            self.stop_following()
            self._opened.close()

    def stop_following(self) -> None:
        """End events and all who follow changes, as :meth:`close` does first; reading and writing go on."""
        self.events.close()
        self._opened.follower.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Keep of {self.directory} for {self.owner!r}>"


def open_keep(
    where: str | Path | None = None, *, owner: str = "local", read_only: bool = False, durability: str = "full"
) -> Keep:
    """See :func:`chatkeep.open`."""
    if durability not in ("full", "process"):
        raise UsageError(f"unknown durability {durability!r}: full or process")
    opened = open_store(
        where,
        owner=owner,
        read_only=read_only,
        durability=durability,  # type: ignore[arg-type]  # checked above
    )
    return Keep(opened)
