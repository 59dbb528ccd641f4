"""Exporting everything, beside others who go on writing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatkeep.errors import ConversationNotFoundError
from chatkeep.services.exporting import all_ids, export
from chatkeep.services.importing import import_source
from chatkeep.services.purging import purge
from chatkeep.store import Store


def test_what_is_written_to_meanwhile_is_not_missed(store: Store) -> None:
    """A conversation that comes to the top of the list must not fall out of the part that is still to come."""
    made = [store.conversations.create(title=str(number)).id for number in range(1_200)]
    ids = all_ids(store)
    seen = [next(ids)]
    store.messages.append(made[0], "user", "I go on")
    seen.extend(ids)

    assert sorted(seen) == sorted(made)


def test_what_is_purged_meanwhile_is_left_out_of_everything_but_missed_by_name(
    store: Store, other_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = store.conversations.create(title="kept").id, store.conversations.create(title="gone").id
    header = store.header

    def purging_header(id: str) -> object:
        if id == gone and store.conversations.list(limit=2).items[1:]:
            purge(store, [gone])
        return header(id)

    monkeypatch.setattr(store, "header", purging_header)
    written = export(store, None, to="chatkeep", destination=tmp_path / "all.jsonl")
    import_source(other_store, tmp_path / "all.jsonl")

    assert written.conversations == 1
    assert [item.id for item in other_store.conversations.list().items] == [kept]
    with pytest.raises(ConversationNotFoundError):
        export(store, [gone], to="chatkeep", destination=tmp_path / "one.jsonl")
    assert not (tmp_path / "one.jsonl").exists()


def test_equal_stores_are_listed_alike_in_whichever_order_they_were_filled(store: Store, other_store: Store) -> None:
    """Else two exports of the same chats differ, and a backup of them is never unchanged."""
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in (2, 1, 1, 1, 3)]
    for place, ids in ((store, "abcde"), (other_store, "edcba")):
        for id in ids:
            place.conversations.create(id=id, created_at=moments["abcde".index(id)])

    assert list(all_ids(store)) == list(all_ids(other_store)) == ["e", "a", "b", "c", "d"]
