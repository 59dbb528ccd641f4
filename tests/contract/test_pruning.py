"""The change log is kept for 30 days at least, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatkeep.errors import HistoryLostError
from chatkeep.model import to_us
from chatkeep.store import Store
from chatkeep.store.pruning import prune_changes

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _at_days_ago(store: Store, *days: int) -> None:
    for number, ago in enumerate(days, start=1):
        store.conversations.create(title=f"{ago}")
        at = to_us(NOW - timedelta(days=ago))
        store.engine.write(
            lambda tx, at=at, seq=number: tx.run("UPDATE change SET at = :at WHERE seq = :seq", {"at": at, "seq": seq})  # type: ignore[misc]  # a lambda with a default
        )


def test_nothing_is_pruned_before_the_log_is_old(store: Store) -> None:
    _at_days_ago(store, 59, 40, 1)

    assert prune_changes(store.engine, NOW) == 0
    assert len(store.changes.since().changes) == 3


def test_what_is_older_than_thirty_days_goes(store: Store) -> None:
    _at_days_ago(store, 90, 61, 31, 29, 1)
    lost = store.changes.since(limit=1).cursor

    assert prune_changes(store.engine, NOW) == 3
    assert len(store.changes.since().changes) == 2
    with pytest.raises(HistoryLostError):
        store.changes.since(lost)


def test_the_newest_change_stays_so_that_consumers_find_their_place(store: Store) -> None:
    _at_days_ago(store, 90, 80)
    store.index.catch_up(None)
    cursor = store.changes.cursor()

    assert prune_changes(store.engine, NOW) == 1
    assert store.changes.since(cursor).changes == []
    store.conversations.create(title="later")
    assert [hit.title for hit in store.index.search("local", "later").hits] == ["later"]
