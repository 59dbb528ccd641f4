"""A process that does everything that a store can do, as fast as it can, until it is killed."""

from __future__ import annotations

import io
import random
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import chatkeep
from chatkeep.errors import ConversationNotFoundError
from chatkeep.keep import Keep
from chatkeep.model import AttachmentRef, Text, new_id
from tests.faults.kill_ledger import Ledger

SHARED_CHATS = 3
"""Conversations that every process writes to."""


def shared_chat(number: int) -> str:
    """Id of a conversation that every process writes to."""
    return f"5a5a5a5a-0000-7000-8000-{number:012d}"


class Places:
    """Where a run keeps what."""

    def __init__(self, root: Path) -> None:
        self.store = root / "store"
        self.sources = root / "sources"
        self.logs = root / "logs"


def live(places: Places, number: int, seed: int) -> None:
    """Open the store and work on it until the end of this process; returns only when something went wrong."""
    ledger = Ledger(places.logs / f"life-{number}")
    try:
        ledger.begin("open")
        keep = chatkeep.open(places.store)
        ledger.done("open")
        _Life(keep, places, ledger, number, random.Random(f"{seed}-{number}")).run()
    except BaseException:  # noqa: BLE001 - the outermost frame of a process: whatever it was, the test must hear of it
        ledger.wrong(traceback.format_exc())


class _Life:
    def __init__(self, keep: Keep, places: Places, ledger: Ledger, number: int, luck: random.Random) -> None:
        self._keep = keep
        self._sources = sorted(places.sources.iterdir())
        self._ledger = ledger
        self._number = number
        self._luck = luck
        self._count = 0

    def run(self) -> None:
        own = self._create(f"life {self._number}")
        acts: list[Callable[[str], None]] = [
            self._append,
            self._append,
            self._append,
            self._extend,
            self._find,
            self._rename,
            self._tag,
            self._trash,
            self._stream,
            self._stream,
            self._import,
            self._attach,
            self._purge,
            self._purge_imported,
        ]
        while True:
            shared = shared_chat(self._luck.randrange(SHARED_CHATS))
            act = self._luck.choice(acts)
            act(shared if act in (self._append, self._stream) and self._luck.random() < 0.5 else own)

    def _word(self) -> str:
        self._count += 1
        return f"word{self._number}q{self._count}z"

    def _create(self, title: str) -> str:
        id = new_id()
        self._ledger.begin("create", id=id, title=title)
        self._keep.conversations.create(id=id, title=title)
        self._ledger.done("create")
        return id

    def _append(self, chat: str) -> None:
        id, word = new_id(), self._word()
        self._ledger.begin("append", chat=chat, id=id, text=word)
        self._keep.messages.append(chat, "user", word, id=id)
        self._ledger.done("append")

    def _extend(self, chat: str) -> None:
        words = [self._word() for _ in range(self._luck.randrange(2, 20))]
        self._ledger.begin("extend", chat=chat, texts=words)
        messages = self._keep.messages.extend(chat, [("assistant", word) for word in words])
        self._ledger.done("extend", ids=[message.id for message in messages])

    def _find(self, chat: str) -> None:
        self._append(chat)
        word = f"word{self._number}q{self._count}z"
        found = self._keep.search(word)
        if not found.behind and [hit.snippet for hit in found.hits] != [word]:
            self._ledger.wrong(f"{word} is acknowledged and not found: {found}")

    def _rename(self, chat: str) -> None:
        title = f"title {self._word()}"
        self._ledger.begin("rename", chat=chat, title=title)
        self._keep.conversations.rename(chat, title)
        self._ledger.done("rename")

    def _tag(self, chat: str) -> None:
        tag = f"tag {self._luck.randrange(10)}"
        self._ledger.begin("tag", chat=chat, tag=tag)
        self._keep.conversations.tag(chat, tag)
        self._ledger.done("tag")

    def _trash(self, chat: str) -> None:
        self._ledger.begin("trash", chat=chat)
        self._keep.conversations.delete(chat)
        self._ledger.done("trash")
        self._ledger.begin("restore", chat=chat)
        self._keep.conversations.restore(chat)
        self._ledger.done("restore")

    def _stream(self, chat: str) -> None:
        id = new_id()
        self._ledger.begin("stream", chat=chat, id=id)
        reply = self._keep.messages.stream(chat, id=id)
        self._ledger.done("stream")
        # Who writes longer than this is flushed in between.
        end = time.monotonic() + self._luck.choice((0.0, 0.1, 0.6))
        pieces = 0
        while time.monotonic() < end:
            written = f"{pieces}:{time.monotonic_ns()} "
            reply.write(written)
            self._ledger.begin("piece", id=id, text=written)
            self._ledger.done("piece", at=time.monotonic_ns())
            pieces += 1
            threading.Event().wait(0.002)
        self._ledger.begin("finish", id=id)
        reply.finish()
        self._ledger.done("finish")

    def _import(self, _chat: str) -> None:
        source = self._luck.choice(self._sources)
        self._ledger.begin("import", source=source.name)
        report = self._keep.import_from(source)
        if report.skipped:
            self._ledger.wrong(f"{source.name}: {report.skipped}")
        self._ledger.done("import", purged=report.purged)

    def _attach(self, chat: str) -> None:
        id, word = new_id(), self._word()
        # Some bytes are those of others, who may be purging them at this moment.
        content = self._luck.choice((word, "the same for all")).encode()
        self._ledger.begin("append", chat=chat, id=id, text=word)
        attachment = self._keep.attachments.add(io.BytesIO(content), name="note.txt")
        parts = (Text(text=word), AttachmentRef(attachment_id=attachment.id, name="note.txt"))
        self._keep.messages.append(chat, "user", parts, id=id)
        self._ledger.done("append")

    def _purge(self, _chat: str) -> None:
        victim, secret = self._create("victim"), f"secret{self._number}q{self._count}z"
        self._count += 1
        attachment = self._keep.attachments.add(io.BytesIO(f"{secret} ".encode() * 20), name="secret.txt")
        shared = self._keep.attachments.add(io.BytesIO(b"the same for all"), name="note.txt")
        refs = [AttachmentRef(attachment_id=item.id) for item in (attachment, shared)]
        self._keep.messages.append(victim, "user", (Text(text=secret), *refs))
        self._keep.messages.append(victim, "assistant", f"{secret} indeed")
        if self._luck.random() < 0.5:
            self._keep.search(secret)
        self._ledger.begin("purge", id=victim, secret=secret)
        self._keep.conversations.purge(victim)
        self._ledger.done("purge")

    def _purge_imported(self, _chat: str) -> None:
        page = self._keep.conversations.list(source="chatgpt", limit=20)
        if not page.items or self._luck.random() < 0.7:
            return
        victim = self._luck.choice(page.items).id
        self._ledger.begin("purge", id=victim, secret=None)
        try:
            self._keep.conversations.purge(victim)
        except ConversationNotFoundError:
            pass  # somebody else was quicker; it is gone all the same
        else:
            self._ledger.done("purge")
