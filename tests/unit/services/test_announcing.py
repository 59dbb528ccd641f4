"""Events: told after the commit, in order, and nobody's failure is another's."""

from __future__ import annotations

import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chatkeep
from chatkeep.errors import StoreClosedError, StoreIOError, UsageError
from chatkeep.services.announcing import (
    ConversationChanged,
    ConversationCreated,
    ConversationPurged,
    ConversationRestored,
    ConversationTrashed,
    Event,
    HistoryLost,
    MessageAppended,
    MessageChanged,
    MessagePurged,
    ProjectChanged,
    ProjectCreated,
    ProjectDeleted,
    ReplyFinished,
    ReplyStarted,
)
from chatkeep.store.following import Following

SOON_S = 10.0


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[chatkeep.Keep]:
    with chatkeep.open(tmp_path / "home") as opened:
        yield opened


def _types(events: queue.Queue[Event], count: int) -> list[type[Event]]:
    return [type(events.get(timeout=SOON_S)) for _ in range(count)]


def test_every_kind_of_event_is_told_in_order(keep: chatkeep.Keep) -> None:
    events: queue.Queue[Event] = queue.Queue()
    keep.events.on(Event, events.put)

    project = keep.projects.create("Drinks")
    keep.projects.rename(project.id, "Hot drinks")
    chat = keep.conversations.create()
    keep.conversations.rename(chat.id, "Tea")
    message = keep.messages.append(chat.id, "user", "Tea?")
    with keep.messages.stream(chat.id) as reply:
        reply.write("Yes")
    keep.messages.rate(message.id, 1)
    keep.projects.delete(project.id)
    keep.conversations.delete(chat.id)
    keep.conversations.restore(chat.id)
    keep.conversations.purge(chat.id)

    assert _types(events, 14) == [
        *(ProjectCreated, ProjectChanged, ConversationCreated, ConversationChanged),
        *(MessageAppended, ReplyStarted, ReplyFinished, MessageChanged),
        *(ProjectDeleted, ConversationTrashed, ConversationRestored),
        *(MessagePurged, MessagePurged, ConversationPurged),
    ]


def test_an_event_names_its_record(keep: chatkeep.Keep) -> None:
    chat = keep.conversations.create()
    events: queue.Queue[MessageAppended] = queue.Queue()
    keep.events.on(MessageAppended, events.put)

    message = keep.messages.append(chat.id, "user", "Tea?")

    event = events.get(timeout=SOON_S)
    assert (event.id, event.conversation_id) == (message.id, chat.id)
    with keep.changes.follow(event.cursor, timeout=0.01) as behind:
        assert list(behind) == []


def test_a_handler_hears_only_what_it_asked_for_and_only_from_then_on(keep: chatkeep.Keep) -> None:
    early, late = queue.Queue[Event](), queue.Queue[Event]()
    keep.events.on(ConversationCreated, early.put)
    first = keep.conversations.create()
    keep.events.on(ConversationCreated, late.put)
    keep.projects.create("Drinks")
    second = keep.conversations.create()

    assert [early.get(timeout=SOON_S).id, early.get(timeout=SOON_S).id] == [first.id, second.id]  # type: ignore[attr-defined]  # narrowed by `on`
    assert late.get(timeout=SOON_S).id == second.id  # type: ignore[attr-defined]  # narrowed by `on`
    assert early.empty()
    assert late.empty()


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_a_failing_handler_harms_nobody_and_quotes_nothing(
    keep: chatkeep.Keep, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    events: queue.Queue[Event] = queue.Queue()

    def fails(event: ConversationCreated) -> None:
        raise error("a secret of the chat")

    keep.events.on(ConversationCreated, fails)
    keep.events.on(ConversationCreated, events.put)
    with caplog.at_level(logging.ERROR):
        keep.conversations.create()
        keep.conversations.create()
        assert _types(events, 2) == [ConversationCreated, ConversationCreated]

    assert error.__name__ in caplog.text
    assert "fails" in caplog.text
    assert "secret" not in caplog.text


def test_handlers_run_in_a_thread_of_their_own_and_may_write(keep: chatkeep.Keep) -> None:
    """Never inside a commit: a handler that writes would wait for itself."""
    done: queue.Queue[str] = queue.Queue()

    def greet(event: ConversationCreated) -> None:
        keep.messages.append(event.id, "assistant", "Hello")
        done.put(threading.current_thread().name)

    keep.events.on(ConversationCreated, greet)
    chat = keep.conversations.create()

    assert done.get(timeout=SOON_S) == "chatkeep-events"
    assert [message.text for message in keep.messages.thread(chat.id)] == ["Hello"]


def test_a_handler_can_be_taken_away(keep: chatkeep.Keep) -> None:
    gone, stays = queue.Queue[Event](), queue.Queue[Event]()
    unsubscribe = keep.events.on(ConversationCreated, gone.put)
    keep.events.on(ConversationCreated, stays.put)
    unsubscribe()
    unsubscribe()
    keep.conversations.create()

    assert _types(stays, 1) == [ConversationCreated]
    assert gone.empty()


def test_only_events_can_be_asked_for(keep: chatkeep.Keep) -> None:
    with pytest.raises(UsageError):
        keep.events.on(str, print)  # type: ignore[type-var]  # that is the point


def test_a_lost_history_is_said(keep: chatkeep.Keep) -> None:
    """Whoever keeps something in step must know that events are missing."""
    events: queue.Queue[Event] = queue.Queue()
    keep.events.on(Event, events.put)
    keep.conversations.create()
    assert _types(events, 1) == [ConversationCreated]

    keep._store.engine.new_epoch()  # type: ignore[attr-defined]  # the SQLite engine's, as a restore uses it

    assert _types(events, 1) == [HistoryLost]
    keep.conversations.create()
    assert _types(events, 1) == [ConversationCreated]


def test_a_lost_history_is_said_later_if_the_log_cannot_be_read_at_once(
    keep: chatkeep.Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails for a moment must not end the thread of all handlers."""
    events: queue.Queue[Event] = queue.Queue()
    keep.events.on(Event, events.put)
    failures = [StoreIOError("the disk failed for a moment")]
    follow = keep.changes.follow

    def failing(*arguments: Any, **options: Any) -> Following:
        if failures:
            raise failures.pop()
        return follow(*arguments, **options)

    monkeypatch.setattr(keep.changes, "follow", failing)
    keep._store.engine.new_epoch()  # type: ignore[attr-defined]  # the SQLite engine's, as a restore uses it

    assert _types(events, 1) == [HistoryLost]
    assert failures == []


def test_events_of_other_processes_are_told(keep: chatkeep.Keep) -> None:
    events: queue.Queue[ConversationCreated] = queue.Queue()
    keep.events.on(ConversationCreated, events.put)
    program = (
        "import sys, pathlib, chatkeep\n"
        "with chatkeep.open(pathlib.Path(sys.argv[1])) as keep:\n    print(keep.conversations.create().id)"
    )

    made = subprocess.run(
        [sys.executable, "-c", program, str(keep.directory)], capture_output=True, text=True, check=True, timeout=60
    )

    assert events.get(timeout=SOON_S).id == made.stdout.strip()


def test_closing_ends_the_thread_and_later_calls(tmp_path: Path) -> None:
    with chatkeep.open(tmp_path / "home") as keep:
        keep.events.on(Event, print)
        [thread] = [thread for thread in threading.enumerate() if thread.name == "chatkeep-events"]

    assert not thread.is_alive()
    with pytest.raises(StoreClosedError):
        keep.events.on(Event, print)
