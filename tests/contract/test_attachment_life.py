"""The life of attachments: bytes come with a conversation, change with it, and go with it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatkeep.formats.protocol import (
    NotImported,
    OwnConversation,
    Record,
    Skipped,
    Source,
    SourceAttachment,
    SourceConversation,
)
from chatkeep.formats.sources import open_source
from chatkeep.model import Attachment, AttachmentRef, Conversation, Message
from chatkeep.services.checking import check
from chatkeep.services.importing import import_opened
from chatkeep.services.purging import purge
from chatkeep.store import Store
from tests.contract.acme import START, TEA, Acme, only, run, said, talk


def _file(content: bytes | None, source_id: str = "f") -> SourceAttachment:
    return SourceAttachment(
        source_id=source_id, name="pot.png", open=None if content is None else lambda: io.BytesIO(content)
    )


def _talk(content: bytes, **fields: Any) -> SourceConversation:
    message = said("a", None, "", parts=(AttachmentRef(attachment_id="f"),))
    return talk([message], attachments=(_file(content),), **fields)


def _own(content: bytes | None) -> OwnConversation:
    file = Attachment(id="file", name="pot.png", size_bytes=4, created_at=START)
    part = AttachmentRef(attachment_id="file")
    return OwnConversation(
        conversation=Conversation(id="own", created_at=START, updated_at=START),
        messages=(Message(id="m", conversation_id="own", role="user", parts=(part,), created_at=START),),
        attachments=(_file(content, "file"),),
        attachment_values=(file,),
    )


def _rows(store: Store) -> int:
    (count,) = store.engine.read(lambda tx: tx.row("SELECT count(*) FROM attachment")) or (-1,)
    return int(count)


def _contents(store: Store) -> set[bytes]:
    found = set()
    for blob in store.blobs.all():
        with store.blobs.open(blob.sha256) as content:
            found.add(content.read())
    return found


def test_a_file_that_no_message_names_goes_with_its_conversation(store: Store, tmp_path: Path) -> None:
    record = talk(TEA.messages, attachments=(_file(b"leaf"),))
    run(store, tmp_path, record)
    again = run(store, tmp_path, record)
    chat = only(store)

    assert again.conversations.unchanged == 1
    assert [found.name for found in store.attachments.list(chat)] == ["pot.png"]
    purge(store, [chat])
    assert (_rows(store), _contents(store)) == (0, set())


def test_files_without_any_message_are_reported_and_left_out(store: Store, tmp_path: Path) -> None:
    report = run(store, tmp_path, talk([], attachments=(_file(b"leaf"),)))

    assert len(report.skipped) == 1
    assert (_rows(store), _contents(store)) == (0, set())


def test_bytes_that_were_replaced_are_gone(store: Store, tmp_path: Path) -> None:
    """Else a purge would leave the older ones: nothing leads to them any more."""
    run(store, tmp_path, _talk(b"one"))
    run(store, tmp_path, _talk(b"two"))

    assert _contents(store) == {b"two"}
    purge(store, [only(store)])
    assert _contents(store) == set()


def test_bytes_that_another_file_needs_stay_when_they_are_replaced(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, _talk(b"one"))
    other = talk([said("z", None, "x")], source_id="c2", attachments=(_file(b"one", "g"),))
    run(store, tmp_path, other)
    run(store, tmp_path, _talk(b"two"))

    assert _contents(store) == {b"one", b"two"}


def test_an_older_export_does_not_bring_older_bytes(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, _talk(b"new", updated_at=START + timedelta(days=1)))
    run(store, tmp_path, _talk(b"old", updated_at=START))

    assert _contents(store) == {b"new"}


def test_a_file_that_cannot_be_read_is_missing_and_the_rest_is_there(store: Store, tmp_path: Path) -> None:
    class Unreadable(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "the stick was pulled out")

    bad = SourceAttachment(source_id="f", name="pot.png", open=Unreadable)
    report = run(store, tmp_path, talk(TEA.messages, attachments=(bad,)))

    assert (report.conversations.added, report.attachments.missing, len(report.skipped)) == (1, 1, 1)


def test_bytes_that_were_lost_come_back_with_their_source(store: Store, tmp_path: Path) -> None:
    """An import passes over what it knows by its fingerprint, unless a check found that something is missing."""

    class Same(Acme):
        def read(self, source: Source) -> Iterator[Record | Skipped | NotImported]:
            for record in super().read(source):
                assert isinstance(record, Record)
                yield msgspec.structs.replace(record, fingerprint="the same")

    def read_source() -> None:
        with open_source(tmp_path) as source:
            import_opened(store, Same(_talk(b"leaf")), source)

    read_source()
    (attachment,) = store.attachments.list(only(store))
    store.blobs.delete(attachment.sha256 or "")
    check(store, repair=True)
    read_source()

    assert _contents(store) == {b"leaf"}
    assert check(store).is_clean


def test_a_dry_run_counts_files_and_keeps_none(store: Store, tmp_path: Path) -> None:
    record = talk(TEA.messages, attachments=(_file(b"leaf", "f"), _file(None, "g")))
    dry = run(store, tmp_path, record, _own(b"late"), dry_run=True)

    assert (dry.attachments.added, dry.attachments.missing) == (2, 1)
    assert (_rows(store), _contents(store)) == (0, set())
    wet = run(store, tmp_path, record, _own(b"late"))
    assert (wet.conversations, wet.messages, wet.attachments) == (dry.conversations, dry.messages, dry.attachments)


@pytest.mark.parametrize(("before", "after"), [(None, {b"late"}), (b"first", {b"first"})])
def test_bytes_of_a_file_that_was_added_here_are_filled_in_but_not_replaced(
    store: Store, tmp_path: Path, before: bytes | None, after: set[bytes]
) -> None:
    """An export of Chatkeep's own names it by its id here."""
    run(store, tmp_path, _own(before))
    run(store, tmp_path, _own(b"late"))

    assert _contents(store) == after
