"""Importing: any number of times, in any order, adds nothing twice, loses nothing, respects what was changed here."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatkeep.encoding import conversation_digest
from chatkeep.formats.protocol import (
    NotImported,
    Probe,
    Record,
    Skipped,
    Source,
    SourceAttachment,
    SourceConversation,
    SourceMessage,
    SourceProject,
)
from chatkeep.formats.sources import open_source
from chatkeep.model import AttachmentRef, Text, Usage
from chatkeep.services.exporting import all_messages
from chatkeep.services.importing import import_opened
from chatkeep.services.purging import purge
from chatkeep.services.reporting import Report
from chatkeep.store import Filter, Store

START = datetime(2026, 1, 1, tzinfo=UTC)


class Acme:
    """An app with exactly the records that a test hands it."""

    name = "acme"
    title = "Acme"

    def __init__(
        self, *records: SourceConversation | Skipped | NotImported | Exception, fingerprints: bool = False
    ) -> None:
        self._records = records
        self._fingerprints = fingerprints
        self.loads = 0

    def recognises(self, probe: Probe) -> bool:
        return False

    def read(self, source: Source) -> Iterator[Record | Skipped | NotImported]:
        for number, record in enumerate(self._records):
            if isinstance(record, Skipped | NotImported):
                yield record
            else:
                fingerprint = f"print-{hash(repr(record))}" if self._fingerprints else None
                yield Record(where=f"record {number}", fingerprint=fingerprint, load=self._loader(record))

    def _loader(self, record: SourceConversation | Exception) -> Any:
        def load() -> SourceConversation:
            self.loads += 1
            if isinstance(record, Exception):
                raise record
            return record

        return load


def said(id: str, parent: str | None, text: str, *, minute: int = 0, **fields: Any) -> SourceMessage:
    usual: dict[str, Any] = {
        "role": "user",
        "parts": (Text(text=text),),
        "created_at": START + timedelta(minutes=minute),
    }
    return SourceMessage(source_id=id, parent_id=parent, **usual | fields)


def talk(messages: Sequence[SourceMessage], **fields: Any) -> SourceConversation:
    usual: dict[str, Any] = {"source_id": "c1", "title": "Tea", "created_at": START, "messages": tuple(messages)}
    return SourceConversation(**usual | fields)


def run(store: Store, tmp_path: Path, *records: Any, fingerprints: bool = False, **options: Any) -> Report:
    path = tmp_path / "acme.txt"
    path.write_text("acme")
    with open_source(path) as source:
        return import_opened(store, Acme(*records, fingerprints=fingerprints), source, **options)


def digest(store: Store, id: str) -> str:
    return conversation_digest(store.conversations.get(id), all_messages(store, id))


def only(store: Store) -> str:
    (item,) = store.conversations.list(Filter()).items
    return item.id


TEA = talk([said("a", None, "Water?"), said("b", "a", "90 C", minute=1, role="assistant", model="m")])


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


def test_one_bad_record_is_reported_and_the_rest_is_there(store: Store, tmp_path: Path) -> None:
    report = run(
        store,
        tmp_path,
        Skipped("line 1", "not JSON"),
        ValueError("no title"),
        TEA,
        KeyError("mapping"),
        OverflowError("year 99999"),
        NotImported("rules", 3),
    )

    assert report.conversations.added == 1
    assert report.conversations.skipped == 3
    assert [problem.where for problem in report.skipped] == ["line 1", "record 1", "record 3", "record 4"]
    assert report.not_imported == [NotImported("rules", 3)]
    assert not report.is_clean


def test_children_before_parents_are_put_in_order(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, talk([said("c", "b", "3"), said("b", "a", "2"), said("a", None, "1")]))

    assert [message.text for message in store.messages.list(only(store)).items] == ["1", "2", "3"]


def test_cycles_orphans_and_twins_are_reported_and_kept(store: Store, tmp_path: Path) -> None:
    report = run(
        store,
        tmp_path,
        talk(
            [
                said("x", "y", "cycle 1"),
                said("y", "x", "cycle 2"),
                said("o", "gone", "orphan"),
                said("t", None, "twin"),
                said("t", None, "twin, again"),
            ]
        ),
    )

    assert sorted(message.text for message in store.messages.list(only(store)).items) == [
        "cycle 1",
        "cycle 2",
        "orphan",
        "twin",
    ]
    assert len(report.skipped) == 3


def test_ids_that_the_source_repeats_across_conversations_are_kept_apart(store: Store, tmp_path: Path) -> None:
    copy = talk([said("a", None, "copied"), said("n", "a", "new")], source_id="c2")
    for _ in range(2):
        report = run(store, tmp_path, TEA, copy)

    assert (report.conversations.unchanged, report.messages.unchanged) == (2, 4)
    chat = store.conversations.resolve("c2")
    assert [message.text for message in store.messages.thread(chat)] == ["copied", "new"]


def test_attachments_come_with_their_bytes_or_a_placeholder(store: Store, tmp_path: Path) -> None:
    def record(*, found: bool) -> SourceConversation:
        return talk(
            [said("a", None, "", parts=(AttachmentRef(attachment_id="f1", name="pot.png"),))],
            attachments=(
                SourceAttachment(source_id="f1", name="pot.png", open=(lambda: io.BytesIO(b"png!")) if found else None),
            ),
        )

    missing = run(store, tmp_path, record(found=False), fingerprints=True)
    assert (missing.attachments.added, missing.attachments.missing) == (0, 1)
    found = run(store, tmp_path, record(found=True), fingerprints=True)
    assert (found.attachments.added, found.attachments.missing) == (1, 0)

    (attachment,) = store.attachments.list(only(store))
    (part,) = store.messages.list(only(store)).items[0].parts
    assert isinstance(part, AttachmentRef)
    assert part.attachment_id == attachment.id
    assert attachment.media_type == "image/png"
    with store.attachments.open(attachment.id) as content:
        assert content.read() == b"png!"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.dat2", b"\x89PNG\r\n\x1a\n....", "image/png"),
        ("b", b"RIFF....WEBPVP8 ", "image/webp"),
        ("c", b"nothing known", "application/octet-stream"),
        ("d.txt", b"%PDF-1.4", "text/plain"),
    ],
)
def test_a_file_without_a_type_is_known_by_its_name_or_first_bytes(
    store: Store, tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    files = (SourceAttachment(source_id="f", name=name, open=lambda: io.BytesIO(content)),)
    run(store, tmp_path, talk([said("a", None, "", parts=(AttachmentRef(attachment_id="f"),))], attachments=files))

    assert [found.media_type for found in store.attachments.list(only(store))] == [expected]


def test_a_store_is_not_imported_into_itself(store: Store, tmp_path: Path) -> None:
    """Reading its file beside SQLite would drop SQLite's locks on it."""
    from chatkeep.errors import UsageError
    from chatkeep.services.importing import import_source

    for path in (tmp_path / "store" / "chats.db", tmp_path / "store", tmp_path):
        with pytest.raises(UsageError):
            import_source(store, path, own_directory=tmp_path / "store")


def test_unmapped_fields_are_kept_and_counted(store: Store, tmp_path: Path) -> None:
    report = run(store, tmp_path, talk([said("a", None, "x", extra={"weight": 1})], extra={"gizmo": "g"}))
    chat = only(store)

    assert {field.field: field.count for field in report.unmapped} == {"message.weight": 1, "conversation.gizmo": 1}
    assert store.conversations.get(chat).extra == {"acme": {"gizmo": "g"}}
    assert store.messages.list(chat).items[0].extra == {"acme": {"weight": 1}}


def test_projects_are_found_again(store: Store, tmp_path: Path) -> None:
    home = SourceProject(source_id="p", name="Home")
    run(store, tmp_path, talk(TEA.messages, project=home), talk([said("q", None, "x")], source_id="c2", project=home))
    run(store, tmp_path, talk(TEA.messages, project=home))

    (project,) = store.projects.list().items
    assert project.name == "Home"
    assert len(store.conversations.list(Filter(project_id=project.id)).items) == 2


def test_hostile_text_anywhere_passes(store: Store, tmp_path: Path) -> None:
    bad = "nul \0 half \ud83c"
    record = talk(
        [said(f"m{bad}", None, bad, extra={bad: [bad, {"k": bad}]}, model=bad)],
        source_id=f"c{bad}",
        title=bad,
        tags=(f"tag{bad}",),
        project=SourceProject(source_id=bad, name=bad),
        workspace=bad,
        settings={bad: bad},
    )
    run(store, tmp_path, record)
    again = run(store, tmp_path, record)

    assert (again.conversations.unchanged, again.messages.unchanged) == (1, 1)
    assert "\0" not in (store.conversations.get(only(store)).title or "")


def test_counters_equal_what_appending_would_count(store: Store, tmp_path: Path) -> None:
    usage = Usage(input=1, output=2, cache_read=3, cache_write=4, reasoning=1)
    run(store, tmp_path, talk([said("a", None, "x", usage=usage, cost_nanos=5), said("b", "a", "y", usage=usage)]))
    header = store.conversations.get(only(store))

    assert header.usage == Usage(input=2, output=4, cache_read=6, cache_write=8, reasoning=2)
    assert header.cost_nanos == 5


def test_ten_thousand_turns_pass(store: Store, tmp_path: Path) -> None:
    messages = [said(str(n), str(n - 1) if n else None, f"turn {n}", minute=n) for n in range(10_000)]
    report = run(store, tmp_path, talk(messages))

    assert report.messages.added == 10_000
    assert len(store.messages.thread(only(store))) == 10_000
    assert run(store, tmp_path, talk(messages)).messages.unchanged == 10_000


def test_a_report_adds_up() -> None:
    one = Report(path="a", format="acme", purged=1, skipped=[Skipped("x", "y")])
    total = Report()
    total.add(one)
    total.add(one)

    assert msgspec.to_builtins(total)["purged"] == 2
    assert len(total.skipped) == 2


@pytest.mark.parametrize("text", ["Water?", "90"])
def test_imported_text_is_found(store: Store, tmp_path: Path, text: str) -> None:
    run(store, tmp_path, TEA)

    assert [hit.conversation_id for hit in store.index.search("local", text).hits] == [only(store)]


def test_a_part_of_many_megabytes_becomes_an_attachment(store: Store, tmp_path: Path) -> None:
    """A row must stay small enough to be read with its page."""
    large = "wide 字 " * 2_000_000
    record = talk([said("a", None, large), said("b", "a", "short")])
    run(store, tmp_path, record)
    again = run(store, tmp_path, record)
    chat = only(store)
    (part,) = store.messages.list(chat).items[0].parts
    (attachment,) = store.attachments.list(chat)

    assert isinstance(part, AttachmentRef)
    assert (part.attachment_id, part.extra) == (attachment.id, {"chatkeep": {"part": "text"}})
    with store.attachments.open(attachment.id) as content:
        assert content.read().decode() == large
    assert again.messages.unchanged == 2


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
