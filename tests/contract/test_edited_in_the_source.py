"""A message that its app changed later: everything that follows from it changes, too."""

from __future__ import annotations

import io
from pathlib import Path

from chatkeep.formats.protocol import SourceAttachment
from chatkeep.model import AttachmentRef, Text
from chatkeep.services.checking import check
from chatkeep.services.purging import purge
from chatkeep.store import Filter, Store
from tests.contract.acme import only, run, said, talk


def test_a_message_of_another_model_moves_the_conversation_to_that_model(store: Store, tmp_path: Path) -> None:
    run(store, tmp_path, talk([said("a", None, "Hi", role="assistant", model="old")]))
    run(store, tmp_path, talk([said("a", None, "Hi", role="assistant", model="new")]))

    assert store.conversations.get(only(store)).models == ("new",)
    assert store.conversations.list(Filter(model="old")).items == []
    assert check(store).findings == ()


def test_an_attachment_that_comes_later_is_listed_and_purged(store: Store, tmp_path: Path) -> None:
    """Purging follows the links from messages: without one, the bytes would stay for ever."""
    parts = (Text(text="look"), AttachmentRef(attachment_id="f"))
    file = SourceAttachment(source_id="f", name="f.txt", open=lambda: io.BytesIO(b"secret"))
    run(store, tmp_path, talk([said("a", None, "look")]))
    run(store, tmp_path, talk([said("a", None, "", parts=parts)], attachments=(file,)))

    id = only(store)
    assert [attachment.name for attachment in store.attachments.list(id)] == ["f.txt"]
    purge(store, [id])

    assert list(store.blobs.all()) == []


def test_an_attachment_that_goes_later_is_purged_with_its_conversation(store: Store, tmp_path: Path) -> None:
    parts = (Text(text="look"), AttachmentRef(attachment_id="f"))
    file = SourceAttachment(source_id="f", name="f.txt", open=lambda: io.BytesIO(b"secret"))
    run(store, tmp_path, talk([said("a", None, "", parts=parts)], attachments=(file,)))
    run(store, tmp_path, talk([said("a", None, "look")]))

    purge(store, [only(store)])

    assert list(store.blobs.all()) == []
