"""Events: what was committed, told to handlers in order, on one thread, after the commit.

They are read from the change log, so handlers hear of other processes too, and never run inside a transaction.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from chatkeep.errors import ChatkeepError, HistoryLostError, StoreClosedError, StoreError, UsageError
from chatkeep.model import utc_now
from chatkeep.store.change_cursors import order_of
from chatkeep.store.changes import Change, Changes
from chatkeep.store.following import Following

_log = logging.getLogger(__name__)
_RETRY_S = 1.0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something was committed. It says which record, not what it holds: read that by its id."""

    at: datetime
    cursor: str
    """Where :meth:`Changes.follow` goes on behind this event."""


class HistoryLost(Event, frozen=True):
    """The store was restored, or its log no longer reaches back: events are missing, so read again what matters."""


class RecordEvent(Event, frozen=True):
    """An event of one record."""

    id: str


class ConversationCreated(RecordEvent, frozen=True):
    """A conversation was begun here or imported."""


class ConversationChanged(RecordEvent, frozen=True):
    """Its header was changed: title, project, tags, pinned, archived, settings, head. Appending does not count."""


class ConversationTrashed(RecordEvent, frozen=True):
    """It went to the trash."""


class ConversationRestored(RecordEvent, frozen=True):
    """It came back from the trash."""


class ConversationPurged(RecordEvent, frozen=True):
    """It is gone, with its messages."""


class MessageEvent(RecordEvent, frozen=True):
    """An event of one message."""

    conversation_id: str | None
    """None if the conversation is gone meanwhile."""


class MessageAppended(MessageEvent, frozen=True):
    """A whole message was added, here or by an import."""


class ReplyStarted(MessageEvent, frozen=True):
    """A message was added that is being streamed."""


class ReplyFinished(MessageEvent, frozen=True):
    """A stream ended; the message's ``status`` tells how."""


class MessageChanged(MessageEvent, frozen=True):
    """A message was changed, such as rated or selected, or extended by an import."""


class MessagePurged(MessageEvent, frozen=True):
    """A message is gone, with its conversation."""


class ProjectCreated(RecordEvent, frozen=True):
    """A project was made."""


class ProjectChanged(RecordEvent, frozen=True):
    """A project was changed."""


class ProjectDeleted(RecordEvent, frozen=True):
    """A project is gone; its conversations are kept."""


E = TypeVar("E", bound=Event)

_TYPES: dict[tuple[str, str], type[RecordEvent]] = {
    ("conversation", "create"): ConversationCreated,
    ("conversation", "put"): ConversationChanged,
    ("conversation", "trash"): ConversationTrashed,
    ("conversation", "restore"): ConversationRestored,
    ("conversation", "delete"): ConversationPurged,
    ("message", "create"): MessageAppended,
    ("message", "start"): ReplyStarted,
    ("message", "finish"): ReplyFinished,
    ("message", "put"): MessageChanged,
    ("message", "delete"): MessagePurged,
    ("project", "create"): ProjectCreated,
    ("project", "put"): ProjectChanged,
    ("project", "delete"): ProjectDeleted,
}


def event_of(change: Change) -> Event | None:
    """The event of a change; None if there is none of its kind."""
    kind = _TYPES.get((change.kind, change.op))
    if kind is None:
        return None
    if issubclass(kind, MessageEvent):
        return kind(id=change.id, at=change.at, cursor=change.cursor, conversation_id=change.conversation_id)
    return kind(id=change.id, at=change.at, cursor=change.cursor)


class _Subscription:
    """A handler, what it wants, and behind which place."""

    def __init__(self, wanted: type[Event], handler: Callable[[Any], object], start: tuple[str, int]) -> None:
        self.wanted = wanted
        self.handler = handler
        self.start = start


class Events:
    """Who wants to hear of what. Its thread lives from the first handler until it is closed, before the store is."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._guard = threading.Lock()
        self._subscriptions: list[_Subscription] = []
        self._following: Following | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def on(self, wanted: type[E], handler: Callable[[E], object]) -> Callable[[], None]:
        """Call ``handler`` for every event of a type (or of types below it) committed from now on.

        Handlers are called one after the other, in the order of commits, on a thread of their own; they may use the
        store. One that raises is logged and goes on being called; one that is slow delays only events.

        Returns:
            A function that ends it; calling it twice is harmless.

        Raises:
            UsageError: Not a type of event.
            StoreClosedError: The store is closed, or read-only without a follower.
        """
        if not issubclass(wanted, Event):
            raise UsageError(f"{wanted!r} is not a type of event")
        with self._guard:
            if self._following is None or self._following.is_closed:
                self._start()
            subscription = _Subscription(wanted, handler, order_of(self._changes.cursor()))
            self._subscriptions.append(subscription)

        def unsubscribe() -> None:
            with self._guard:
                if subscription in self._subscriptions:
                    self._subscriptions.remove(subscription)

        return unsubscribe

    def close(self) -> None:
        """Stop; events not yet told are dropped. Waits for a handler that is at work, unless it is the caller."""
        with self._guard:
            self._subscriptions.clear()
            following, thread = self._following, self._thread
            self._following = self._thread = None
            self._stopping.set()
        if following is not None:
            following.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _start(self) -> None:
        following = self._following = self._changes.follow()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, args=(following,), name="chatkeep-events", daemon=True)
        self._thread.start()

    def _run(self, following: Following) -> None:
        is_lost = False
        while True:
            try:
                if is_lost:
                    following = self._start_over(following)
                    is_lost = False
                for change in following:
                    event = event_of(change)
                    if event is not None:
                        self._tell(event)
                return
            except HistoryLostError:
                is_lost = True
            except StoreClosedError:
                return
            except StoreError as error:
                _log.warning("events are late: the change log cannot be read: %s", error.code)
                if self._stopping.wait(_RETRY_S):
                    return

    def _start_over(self, lost: Following) -> Following:
        lost.close()
        following = self._changes.follow()
        with self._guard:
            if self._following is not lost:
                following.close()  # closed meanwhile
            else:
                self._following = following
            start = order_of(following.cursor)
            for subscription in self._subscriptions:
                subscription.start = start
        self._tell(HistoryLost(at=utc_now(), cursor=following.cursor))
        return following

    def _tell(self, event: Event) -> None:
        place = order_of(event.cursor)
        with self._guard:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            wants = isinstance(event, subscription.wanted)
            if wants and (place > subscription.start or isinstance(event, HistoryLost)):
                _call(subscription.handler, event)


def _call(handler: Callable[[Any], object], event: Event) -> None:
    try:
        handler(event)
    except BaseException as error:  # noqa: BLE001 - even SystemExit must not keep events from the others
        # The text of an exception may quote a chat.
        code = error.code if isinstance(error, ChatkeepError) else type(error).__name__
        name = getattr(handler, "__qualname__", type(handler).__name__)
        _log.error("the handler %s of %s failed: %s", name, type(event).__name__, code)
