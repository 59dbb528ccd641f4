"""Importing: any number of times, in any order, adds nothing twice, respects what was changed here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chatkeep.formats.sources import open_source
from chatkeep.services.exporting import all_messages
from chatkeep.services.importing import import_opened
from chatkeep.services.purging import purge
from chatkeep.store import Filter, Store
from tests.contract.acme import START, TEA, Acme, digest, only, run, said, talk


def test_importing_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    first = run(store, tmp_path, TEA)
    before = digest(store, only(store))
    cursor = store.changes.cursor()
    again = run(store, tmp_path, TEA)

    assert (first.conversations.added, first.messages.added) == (1, 2)
    assert (again.conversations.unchanged, again.messages.unchanged, again.messages.added) == (1, 2, 0)
    assert digest(store, only(store)) == before
    assert store.changes.since(cursor).changes == []


def test_a_known_fingerprint_is_passed_over_undecoded(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, TEA, fingerprints=True)
    adapter = Acme(TEA, fingerprints=True)
    with open_source(tmp_path / "acme.txt") as source:
        again = import_opened(store, adapter, source)

    assert adapter.loads == 0
    assert (again.conversations.unchanged, again.messages.unchanged) == (1, 2)


def test_a_grown_conversation_grows(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, TEA)
    grown = talk([*TEA.messages, said("c", "b", "Thanks", minute=2)], title="Tea, again")
    report = run(store, tmp_path, grown)
    chat = only(store)

    assert (report.conversations.updated, report.messages.added, report.messages.unchanged) == (1, 1, 2)
    assert [message.text for message in store.messages.thread(chat)] == ["Water?", "90 C", "Thanks"]
    header = store.conversations.get(chat)
    assert (header.title, header.message_count, header.preview) == ("Tea, again", 3, "Thanks")


def test_growing_in_any_order_ends_alike(store: Store, other_store: Store, tmp_path: Path) -> None:
    """Old and new exports are imported in whatever order people find them."""
    old, new = TEA, talk([*TEA.messages, said("c", "b", "Thanks", minute=2)])
    for each, order in ((store, (old, new, old)), (other_store, (new, old, new))):
        for record in order:
            run(each, tmp_path, record)

    assert {message.id for message in all_messages(store, only(store))} == {
        message.id for message in all_messages(other_store, only(other_store))
    }
    assert only(store) == only(other_store)
    assert store.conversations.get(only(store)).message_count == 3


def test_what_a_newer_export_lacks_stays(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, TEA, talk([said("z", None, "other")], source_id="c2"))
    run(store, tmp_path, talk(TEA.messages[:1]))

    assert len(store.conversations.list(Filter()).items) == 2
    assert store.conversations.get(store.conversations.resolve("c1")).message_count == 2


def test_an_edited_message_is_updated_in_place(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, TEA)
    before = store.messages.list(only(store)).items[1]
    report = run(
        store, tmp_path, talk([TEA.messages[0], said("b", "a", "80 C", minute=1, role="assistant", model="m")])
    )
    after = store.messages.get(before.id)

    assert report.messages.updated == 1
    assert (after.text, after.seq, after.id) == ("80 C", before.seq, before.id)


def test_what_was_changed_here_wins(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, TEA)
    chat = only(store)
    reply = store.messages.list(chat).items[1]
    store.conversations.rename(chat, "Mine")
    store.conversations.pin(chat)
    store.conversations.tag(chat, "kitchen")
    store.messages.rate(reply.id, 5)
    run(store, tmp_path, talk(TEA.messages, title="Theirs", archived=True, tags=("theirs",)))
    header = store.conversations.get(chat)

    assert (header.title, header.pinned, header.tags, header.archived) == ("Mine", True, ("kitchen",), True)
    assert store.messages.get(reply.id).rating == 5


def test_the_trash_and_the_purge_survive(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, TEA)
    chat = only(store)
    store.conversations.delete(chat)
    grown = talk([*TEA.messages, said("c", "b", "Thanks", minute=2)])
    run(store, tmp_path, grown)
    assert store.conversations.get(chat).trashed_at is not None

    purge(store, [chat])
    left_out = run(store, tmp_path, grown)
    assert (left_out.purged, left_out.conversations.added) == (1, 0)
    assert store.conversations.list(Filter()).items == []

    back = run(store, tmp_path, grown, include_purged=True)
    assert back.conversations.added == 1
    assert run(store, tmp_path, grown).conversations.unchanged == 1


def test_messages_written_here_stay_at_the_end(store: Store, tmp_path: Path) -> None:
    """A conversation that goes on here is not set back by a re-import."""
    run(store, tmp_path, TEA)
    chat = only(store)
    mine = store.messages.append(chat, "user", "and green tea?")
    run(store, tmp_path, TEA)

    assert store.conversations.get(chat).head_id == mine.id
    assert store.conversations.get(chat).message_count == 3


def test_a_dry_run_tells_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    cursor = store.changes.cursor()
    report = run(store, tmp_path, TEA, dry_run=True)

    assert (report.conversations.added, report.messages.added) == (1, 2)
    assert store.changes.since(cursor).changes == []
    assert list(store.blobs.all()) == []


def test_an_older_export_does_not_set_a_newer_one_back(store: Store, tmp_path: Path) -> None:
    later = START + timedelta(days=1)
    newer = talk([said("a", None, "edited")], title="New", updated_at=later, tags=("new",))
    run(store, tmp_path, newer)
    report = run(store, tmp_path, talk([said("a", None, "first"), said("b", "a", "cut since")], updated_at=START))
    chat = only(store)

    assert [message.text for message in store.messages.list(chat).items] == ["edited", "cut since"]
    assert (report.messages.added, report.messages.updated) == (1, 0)
    header = store.conversations.get(chat)
    assert (header.title, header.tags, header.updated_at) == ("New", ("new",), later)


@pytest.mark.parametrize("stand_in_first", [True, False])
def test_a_stand_in_gives_way_to_the_session(store: Store, tmp_path: Path, *, stand_in_first: bool) -> None:
    """The prompts of a session are kept as long as its log is missing, and not beside it."""
    stand_in = talk([said("p", None, "prompt only")], source_id="history", session_id="s1", stand_in=True)
    session = talk(TEA.messages, session_id="s1")
    for record in (stand_in, session) if stand_in_first else (session, stand_in):
        run(store, tmp_path, record)

    assert [message.text for message in store.messages.list(only(store)).items] == ["Water?", "90 C"]
    run(store, tmp_path, stand_in)
    assert len(store.conversations.list(Filter()).items) == 1


def test_a_stand_in_that_somebody_kept_stays(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, talk([said("p", None, "x")], source_id="history", session_id="s1", stand_in=True))
    store.conversations.pin(only(store))
    run(store, tmp_path, talk(TEA.messages, session_id="s1"))

    assert len(store.conversations.list(Filter()).items) == 2
