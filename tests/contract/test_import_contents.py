"""What an import takes in: order, files, projects, odd text; what it leaves out, it reports."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from chatkeep.errors import UsageError
from chatkeep.formats.protocol import NotImported, Skipped, SourceAttachment, SourceConversation, SourceProject
from chatkeep.model import AttachmentRef, Usage
from chatkeep.services.importing import import_source
from chatkeep.services.reporting import Report
from chatkeep.store import Filter, Store
from tests.contract.acme import TEA, only, run, said, talk


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
    assert [(problem.where, problem.reason) for problem in report.skipped] == [
        ("record 0 message t", "its id occurs twice: left out")
    ]
    assert {remark.where for remark in report.noted} == {"record 0 message o", "record 0 message x"}


def test_what_was_imported_is_noted_and_does_not_count_as_skipped(store: Store, tmp_path: Path) -> None:
    """A strict import must not fail over messages that are there."""
    report = run(store, tmp_path, talk([said("o", "gone", "orphan")]))
    totals = Report()
    totals.add(report)

    assert report.is_clean
    assert totals.noted == report.noted == [Skipped("record 0 message o", "its parent is missing: kept as a root")]


def test_a_kind_that_many_files_hold_is_named_once(store: Store, tmp_path: Path) -> None:
    report = run(store, tmp_path, NotImported("rules", 3), NotImported("agents", 1), NotImported("rules", 2))

    assert report.not_imported == [NotImported("agents", 1), NotImported("rules", 5)]


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


def test_a_tree_of_projects_comes_as_a_tree(store: Store, tmp_path: Path) -> None:
    """Sources tell of a conversation's own project, and of those above it."""
    house = SourceProject(source_id="h", name="House")
    room = SourceProject(source_id="r", name="Room", parent_source_id="h")
    shelf = SourceProject(source_id="s", name="Shelf", parent_source_id="r", ancestors=(house, room))
    lost = SourceProject(source_id="l", name="Lost", parent_source_id="nowhere")
    for _ in range(2):
        report = run(
            store,
            tmp_path,
            talk(TEA.messages, project=shelf),
            talk([said("q", None, "x")], source_id="c2", project=lost),
        )

    assert report.conversations.unchanged == 2
    projects = {project.name: project for project in store.projects.list().items}
    assert projects["Shelf"].parent_id == projects["Room"].id
    assert projects["Room"].parent_id == projects["House"].id
    assert (projects["House"].parent_id, projects["Lost"].parent_id) == (None, None)


def test_projects_that_lie_in_each_other_are_no_trouble(store: Store, tmp_path: Path) -> None:
    one = SourceProject(source_id="1", name="One", parent_source_id="2")
    two = SourceProject(source_id="2", name="Two", parent_source_id="1")
    for project in (one, two):
        above = (two if project is one else one,)
        run(store, tmp_path, talk(TEA.messages, project=msgspec.structs.replace(project, ancestors=above)))

    assert {project.name for project in store.projects.list().items} == {"One", "Two"}


def test_a_project_that_was_deleted_here_does_not_come_back_with_its_chats(store: Store, tmp_path: Path) -> None:
    home = SourceProject(source_id="p", name="Home")
    run(store, tmp_path, talk(TEA.messages, project=home))
    store.projects.delete(store.projects.list().items[0].id)

    run(store, tmp_path, talk([*TEA.messages, said("c", "b", "more")], project=home))

    assert store.projects.list().items == []
    assert store.conversations.get(only(store)).project_id is None
