"""What cannot be read back is not let in: one bad value must not make its whole conversation unreadable."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from chatkeep.errors import ChatkeepError, DuplicateError, UsageError
from chatkeep.model import Message, SourceKey, Text, ToolCall, Usage
from chatkeep.services.checking import check
from chatkeep.services.counting import stats
from chatkeep.store import Store
from chatkeep.store.admitting import MAX_COST_NANOS, MAX_TOKENS
from chatkeep.store.streams import Streams

HALF = "half \ud83c"
BEFORE_YEAR_ONE = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
NAIVE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def chat(store: Store) -> str:
    return store.conversations.create(title="Tea").id


@pytest.mark.parametrize(
    "fields",
    [
        {"rating": 2**70},
        {"rating": "five"},
        {"usage": Usage(input=2**70)},
        {"usage": Usage(output=MAX_TOKENS + 1)},
        {"cost_nanos": 2**80},
        {"cost_nanos": -MAX_COST_NANOS - 1},
        {"created_at": NAIVE},
        {"created_at": BEFORE_YEAR_ONE},
        {"completed_at": "yesterday"},
        {"model": 5},
        {"hidden": "perhaps"},
        {"status": "streaming"},
        {"status": "lost"},
        {"extra": 5},
        {"extra": {"o": object()}},
        {"source": 5},
        {"reply_index": "first"},
        {"id": 5},
        {"idempotency_key": HALF},
        {"idempotency_key": "nul \0"},
    ],
)
def test_a_message_with_a_field_that_cannot_be_stored_is_refused(store: Store, chat: str, fields: Any) -> None:
    with pytest.raises(UsageError):
        store.messages.append(chat, "user", "x", **fields)

    assert store.messages.list(chat).items == []
    assert check(store).is_clean


@pytest.mark.parametrize(
    "content",
    [
        5,
        None,
        b"bytes",
        [5],
        [{"type": "text", "text": "x"}],
        Text(text=None),  # type: ignore[arg-type]  # wrong on purpose
        ToolCall(id="1", name="n", input=object()),
    ],
)
def test_content_that_cannot_be_stored_is_refused(store: Store, chat: str, content: Any) -> None:
    with pytest.raises(UsageError):
        store.messages.append(chat, "user", content)

    assert store.messages.list(chat).items == []


def test_what_append_returns_is_what_is_read(store: Store, chat: str) -> None:
    """Also where JSON has another idea of a value, and where a clock has another zone."""
    summer = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    sent: Message = store.messages.append(
        chat, "user", "x", created_at=summer, extra={"pair": (1, 2), "large": 2**70, "nan": float("nan")}
    )

    assert store.messages.get(sent.id) == sent
    assert (sent.created_at, sent.created_at.tzinfo) == (summer, UTC)


def test_sums_of_the_largest_numbers_fit(store: Store, chat: str) -> None:
    usage = Usage(input=MAX_TOKENS, output=MAX_TOKENS, cache_read=MAX_TOKENS, cache_write=MAX_TOKENS)
    for _ in range(3):
        store.messages.append(chat, "assistant", "x", usage=usage, cost_nanos=MAX_COST_NANOS)

    assert store.conversations.get(chat).cost_nanos == 3 * MAX_COST_NANOS
    assert stats(store).usage.input == 3 * MAX_TOKENS


def test_the_end_of_a_reply_is_held_to_the_same(store: Store, chat: str, streams: Streams) -> None:
    with streams.open_stream(chat) as reply:
        with pytest.raises(UsageError):
            reply.finish(usage=Usage(input=2**70))
        reply.write("fine")

    assert store.messages.list(chat).items[0].text == "fine"


@pytest.mark.parametrize("fields", [{"kind": "zip"}, {"name": 5}, {"media_type": 5}, {"created_at": NAIVE}])
def test_an_attachment_that_cannot_be_stored_is_refused(store: Store, fields: Any) -> None:
    with pytest.raises(UsageError):
        store.attachments.add(io.BytesIO(b"x"), **{"name": "n", **fields})


@pytest.mark.parametrize(
    "fields",
    [{"name": 5}, {"description": 5}, {"extra": 5}, {"colour": 1}, {"created_at": NAIVE}, {"parent_id": HALF}],
)
def test_a_project_that_cannot_be_stored_is_refused(store: Store, fields: Any) -> None:
    with pytest.raises(ChatkeepError):
        store.projects.create(**{"name": "n", **fields})

    assert store.projects.list().items == []


@pytest.mark.parametrize("fields", [{"name": 5}, {"colour": 1}, {"source": SourceKey("a", "", "b")}])
def test_a_project_is_not_changed_into_what_cannot_be_stored(store: Store, fields: Any) -> None:
    before = store.projects.create("n")

    with pytest.raises(UsageError):
        store.projects.update(before.id, **fields)
    assert store.projects.get(before.id) == before


def test_two_projects_have_two_ids(store: Store) -> None:
    made = store.projects.create("n")

    with pytest.raises(DuplicateError):
        store.projects.create("m", id=made.id)


@pytest.mark.parametrize("limit", [0, -1, -50])
def test_a_thread_of_nothing_is_empty(store: Store, chat: str, limit: int) -> None:
    store.messages.extend(chat, [("user", str(number)) for number in range(5)])

    assert store.messages.thread(chat, limit=limit) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"title": 5},
        {"id": 5},
        {"id": HALF},
        {"kind": "talk"},
        {"settings": "dark"},
        {"overrides": 5},
        {"source": 5},
        {"source": SourceKey("a", "", HALF)},
        {"created_at": NAIVE},
        {"created_at": BEFORE_YEAR_ONE},
        {"colour": "red"},
        {"head_id": "nothing"},
        {"message_count": 3},
        {"tags": [5]},
        {"tags": [""]},
        {"tags": ["x" * 300]},
        {"tags": [str(number) for number in range(1_001)]},
    ],
)
def test_a_conversation_that_cannot_be_stored_is_refused_or_made_storable(store: Store, fields: Any) -> None:
    try:
        made = store.conversations.create(**fields)
    except UsageError:
        assert store.conversations.list().items == []
    else:
        assert store.conversations.get(made.id) == made
        assert "\ufffd" in repr(made)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": 5},
        {"pinned": "yes"},
        {"settings": []},
        {"extra": "x"},
        {"head_id": "nothing"},
        {"colour": "red"},
        {"project_id": HALF},
    ],
)
def test_a_conversation_is_not_changed_into_what_cannot_be_stored(store: Store, chat: str, fields: Any) -> None:
    before = store.conversations.get(chat)

    with pytest.raises(ChatkeepError):
        store.conversations.update(chat, **fields)
    assert store.conversations.get(chat) == before


@pytest.mark.parametrize("id", [HALF, "nul \0", "x" * 100_000, ""])
def test_no_id_is_an_error_of_the_driver(store: Store, id: str) -> None:
    """Command lines hand over whatever bytes somebody typed."""
    for look in (
        store.conversations.get,
        store.conversations.resolve,
        store.conversations.branches,
        store.conversations.delete,
        store.messages.get,
        store.messages.thread,
        store.messages.list,
        store.projects.get,
        store.attachments.get,
        store.attachments.list,
    ):
        with pytest.raises(ChatkeepError):
            look(id)
