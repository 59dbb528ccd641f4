"""`check` finds what is wrong, repairs what is derived, and counts what it saw."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from chatkeep.model import AttachmentRef, Usage
from chatkeep.services.checking import check
from chatkeep.services.counting import stats
from chatkeep.store import Store
from chatkeep.store.auditing import MESSAGE_SQL
from chatkeep.store.statistics import STEP_SQL


@pytest.fixture
def chat(store: Store) -> str:
    made = store.conversations.create(title="Tea", tags=["kitchen"], created_at=datetime(2026, 2, 3, tzinfo=UTC))
    attachment = store.attachments.add(io.BytesIO(b"leaf"), name="leaf.txt")
    store.messages.append(made.id, "user", AttachmentRef(attachment_id=attachment.id))
    store.messages.append(
        made.id,
        "assistant",
        "ninety degrees",
        model="m",
        usage=Usage(input=3, output=4),
        cost_nanos=9,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return made.id


def _spoil(store: Store, sql: str) -> None:
    store.engine.write(lambda tx: tx.run(sql))


def test_a_sound_store_is_clean_and_counted(store: Store, chat: str) -> None:
    report = check(store)

    assert report.findings == ()
    assert (report.conversations, report.messages, report.attachments) == (1, 2, 1)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE message SET role = 'tool' WHERE seq = 2", "message-columns"),
        ("UPDATE message SET conversation_pk = conversation_pk, cost_nanos = 8 WHERE seq = 2", "message-columns"),
        ("UPDATE message SET body = '{}' WHERE seq = 1", "message-unreadable"),
        (
            "UPDATE message SET seq = 9, body = replace(body, '\"seq\":1,', '\"seq\":9,') WHERE seq = 1",
            "message-parent",
        ),
    ],
)
def test_a_spoilt_message_is_found(store: Store, chat: str, sql: str, code: str) -> None:
    _spoil(store, sql)

    assert code in {finding.code for finding in check(store).findings}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE conversation SET message_count = 7",
        "UPDATE conversation SET output_tokens = 7",
        "UPDATE conversation SET cost_nanos = NULL",
        "UPDATE conversation SET models = NULL",
        "UPDATE conversation SET tags = '[\"other\"]'",
        "UPDATE conversation SET head_id = 'gone'",
        "UPDATE conversation SET last_seq = 1",
        "DELETE FROM conversation_model",
    ],
)
def test_wrong_counters_are_found_and_repaired(store: Store, chat: str, sql: str) -> None:
    before = store.conversations.get(chat)
    _spoil(store, sql)

    (finding,) = check(store).findings
    repaired = check(store, repair=True)

    assert (finding.code, finding.repairable, finding.repaired) == ("conversation-counters", True, False)
    assert repaired.is_clean
    assert check(store).findings == ()
    assert store.conversations.get(chat) == before


def test_missing_damaged_and_stray_bytes_are_found(store: Store, chat: str) -> None:
    (attachment,) = store.attachments.list(chat)
    assert attachment.sha256 is not None
    store.blobs.delete(attachment.sha256)
    stray = store.blobs.put(io.BytesIO(b"nobody's"))

    found = {finding.code: finding for finding in check(store, repair=True).findings}

    assert found["attachment-missing"].repairable is False
    assert found["attachment-stray"].repaired
    assert store.blobs.size(stray.sha256) is None


def test_a_wrong_index_is_made_anew(store: Store, chat: str) -> None:
    """A row that changes behind the log's back is what no consumer of the log can notice."""
    store.index.catch_up(None)
    _spoil(store, "UPDATE message SET body = replace(body, 'ninety', 'eighty') WHERE seq = 2")

    assert {finding.code for finding in check(store).findings} == {"index"}
    assert check(store, repair=True).is_clean
    assert store.index.search("local", "eighty").hits


def test_statistics_leave_out_the_trash(store: Store, chat: str) -> None:
    gone = store.conversations.create(title="gone")
    store.messages.append(gone.id, "user", "x", model="other")
    store.conversations.delete(gone.id)

    found = stats(store)

    assert (found.conversations, found.messages, found.attachments, found.trashed) == (1, 2, 1, 1)
    assert found.usage == Usage(input=3, output=4)
    assert found.cost_nanos == 9
    assert list(found.by_model) == ["m"]
    assert (found.by_model["m"].conversations, found.by_model["m"].messages) == (1, 1)
    assert found.by_month["2026-03"].messages == 1
    assert found.by_month["2026-02"].conversations == 1
    assert found.by_source["chatkeep"].tokens == 7


@pytest.mark.parametrize("sql", [MESSAGE_SQL, STEP_SQL])
def test_every_pass_over_the_messages_reads_each_once(store: Store, sql: str) -> None:
    """A page that looks at all messages of its owner makes the pass quadratic: too late to notice."""
    params = {"owner": "local", "after": 0, "last": 500, "size": 500}
    plan = [row[-1] for row in store.engine.read(lambda tx: tx.rows(f"EXPLAIN QUERY PLAN {sql}", params))]

    assert any(step.startswith("SEARCH m USING INTEGER PRIMARY KEY") for step in plan)
