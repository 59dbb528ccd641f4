"""Out in Chatkeep's own format and in again, into an empty store: the same conversations, to the byte."""

from __future__ import annotations

from pathlib import Path

from chatkeep.encoding import conversation_digest
from chatkeep.formats.adapters import chatkeep
from chatkeep.services.exporting import all_messages, export
from chatkeep.services.importing import import_source
from chatkeep.store import Filter, Store
from tests.golden.writers.conversations import BLOBS, everything


def digests(store: Store) -> dict[str, str]:
    ids = [item.id for item in store.conversations.list(Filter()).items]
    return {id: conversation_digest(store.header(id)[0], all_messages(store, id)) for id in ids}


def test_an_export_goes_into_an_empty_store_and_out_again_unchanged(
    store: Store, other_store: Store, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    chatkeep.write(everything(), tmp_path / "made.jsonl")
    import_source(store, tmp_path / "made.jsonl")

    export(store, sorted(digests(store)), to="chatkeep", destination=first)
    report = import_source(other_store, first)
    export(other_store, sorted(digests(other_store)), to="chatkeep", destination=second)

    assert report.skipped == []
    assert len(digests(store)) == len(everything())
    assert digests(other_store) == digests(store)
    assert second.read_bytes() == first.read_bytes()


def test_importing_an_export_twice_adds_nothing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    chatkeep.write(everything(), path)
    import_source(store, path)
    before = digests(store)

    report = import_source(store, path)

    assert (report.conversations.added, report.messages.added) == (0, 0)
    assert digests(store) == before


def test_attachments_come_with_their_bytes(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    chatkeep.write(everything(), path)

    import_source(store, path)

    _, _, attachments = store.header(everything()[0].conversation.id)
    assert {known.id: known.name for known in attachments} == {
        "a1": "../../pot.png",
        "a2": "notes.md",
        "a3": "lost.pdf",
    }
    for known in attachments:
        if known.sha256 is not None:
            with store.blobs.open(known.sha256) as stream:
                assert stream.read() == BLOBS[known.sha256]
    assert [known.sha256 is None for known in attachments] == [known.name == "lost.pdf" for known in attachments]


def test_what_of_a_source_is_never_read_is_reported(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    chatkeep.write(everything(), folder / "x.jsonl")
    (folder / "link").symlink_to("/etc/hostname")

    report = import_source(store, folder)

    assert [skipped.where for skipped in report.skipped] == ["link"]


def test_a_conversation_of_an_inner_project_goes_into_an_empty_store(
    store: Store, other_store: Store, tmp_path: Path
) -> None:
    """The export names the project that it lies in, and not the ones above."""
    outer = store.projects.create("House")
    inner = store.projects.create("Room", parent_id=outer.id)
    chat = store.conversations.create(title="Tea", project_id=inner.id)
    export(store, [chat.id], to="chatkeep", destination=tmp_path / "x.jsonl")

    report = import_source(other_store, tmp_path / "x.jsonl")

    assert (report.skipped, report.conversations.added) == ([], 1)
    (project,) = other_store.projects.list().items
    assert (project.id, project.name, project.parent_id) == (inner.id, "Room", None)
    assert project.extra == {"chatkeep": {"parent_id": outer.id}}
    assert other_store.conversations.get(chat.id).project_id == inner.id
