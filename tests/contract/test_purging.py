"""Purged is gone: from every file, down to the bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from chatkeep.errors import ConversationNotFoundError
from chatkeep.model import AttachmentRef, Text
from chatkeep.services.purging import empty_trash, purge
from chatkeep.store import Store

SECRET = "xylophonic-quetzal"
KEPT = "ordinary-marmalade"


def _files_with(tmp_path: Path, text: str) -> list[str]:
    words = [word.encode() for word in text.split("-")]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if any(word in path.read_bytes() for word in words))


def _chat(store: Store, text: str) -> str:
    chat = store.conversations.create(title=f"about {text}", tags=[f"tag {text}"]).id
    attachment = store.attachments.add(io.BytesIO(f"bytes {text}".encode()), name=f"{text}.txt")
    store.messages.append(
        chat,
        "user",
        [Text(text=f"say {text} twice: {text}"), AttachmentRef(attachment_id=attachment.id, name=attachment.name)],
        model=f"model-{text}",
        extra={"app": {"note": text}},
    )
    for number in range(30):
        store.messages.append(chat, "assistant", f"{text} {number} " * 50)
    return chat


def test_no_byte_of_a_purged_conversation_is_left(store: Store, tmp_path: Path) -> None:
    kept, gone = _chat(store, KEPT), _chat(store, SECRET)
    store.index.catch_up(None)
    assert {"chats.db-wal"} <= set(_files_with(tmp_path, SECRET)) or "chats.db" in _files_with(tmp_path, SECRET)

    report = purge(store, [gone])

    assert (report.conversations, report.messages, report.blobs) == (1, 31, 1)
    assert _files_with(tmp_path, SECRET) == []
    assert "chats.db" in _files_with(tmp_path, KEPT)
    assert len(store.messages.list(kept).items) == 31
    assert store.index.search("local", "quetzal").hits == []
    assert store.index.search("local", "marmalade").hits


def test_bytes_that_another_conversation_names_stay(store: Store) -> None:
    one, two = store.conversations.create().id, store.conversations.create().id
    attachments = [store.attachments.add(io.BytesIO(b"shared"), name=f"{n}.txt") for n in range(2)]
    for chat, attachment in zip((one, two), attachments, strict=True):
        store.messages.append(chat, "user", AttachmentRef(attachment_id=attachment.id))

    assert purge(store, [one]).blobs == 0
    with store.attachments.open(attachments[1].id) as content:
        assert content.read() == b"shared"
    assert purge(store, [two]).blobs == 1


def test_a_purge_of_something_unknown_removes_nothing(store: Store) -> None:
    chat = store.conversations.create().id

    with pytest.raises(ConversationNotFoundError):
        purge(store, [chat, "nothing"])

    assert store.conversations.get(chat).id == chat


def test_emptying_the_trash_leaves_what_is_not_in_it(store: Store) -> None:
    gone, kept = store.conversations.create().id, store.conversations.create().id
    store.conversations.delete(gone)

    assert empty_trash(store).conversations == 1
    assert store.conversations.get(kept).id == kept
    with pytest.raises(ConversationNotFoundError):
        store.conversations.get(gone)


def test_repeating_a_purge_spares_nothing_that_came_back_since(store: Store) -> None:
    """A conversation may be purged, brought back by an import, and named again beside one that is gone."""
    back, gone = store.conversations.create(id="back").id, store.conversations.create().id
    purge(store, [back, gone])
    store.conversations.create(id="back")

    assert purge(store, [back, gone]).conversations == 1
    assert store.conversations.list().items == []


def test_the_whole_trash_is_emptied_whatever_the_clock_says(store: Store) -> None:
    """Clocks are set back, and one tick of theirs may hold both the delete and the purge."""
    chat = store.conversations.create().id
    store.conversations.delete(chat)
    store.engine.write(lambda tx: tx.run("UPDATE conversation SET trashed_at = trashed_at + 86400000000"))

    assert empty_trash(store).conversations == 1
