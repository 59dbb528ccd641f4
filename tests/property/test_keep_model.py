"""The public API does what a few dictionaries would do, whatever the order of the calls."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

import chatkeep
from chatkeep.errors import ConversationNotFoundError, MessageNotFoundError, ProjectNotFoundError, TrashedError
from chatkeep.model import AttachmentRef, Text, Usage

TEXTS = st.sampled_from(["tea", "oolong for two", "用Python写", "naïve", "\x00 and \ud800", "", "x" * 400])
TAGS = st.sampled_from(["kitchen", "Kitchen", "work", "émigré"])
MODELS = st.sampled_from([None, "small", "large"])
COSTS = st.sampled_from([None, 0, 5])


class Said(msgspec.Struct):
    """What the model knows of a message."""

    id: str
    parent: str | None
    text: str
    model: str | None
    tokens: int
    cost: int | None
    file: str | None


class Chat(msgspec.Struct):
    """What the model knows of a conversation."""

    title: str | None
    project: str | None
    messages: list[Said] = msgspec.field(default_factory=list)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    head: str | None = None
    pinned: bool = False
    trashed: bool = False

    def thread(self) -> list[str]:
        by_id = {message.id: message for message in self.messages}
        found, at = [], self.head
        while at is not None:
            found.append(at)
            at = by_id[at].parent
        return found[::-1]

    def newest_leaf(self, below: str) -> str:
        inside, parents = set(), {message.parent for message in self.messages}
        for message in self.messages:
            if message.id == below or message.parent in inside:
                inside.add(message.id)
        return [message.id for message in self.messages if message.id in inside and message.id not in parents][-1]


def stored(text: str) -> str:
    """Text as every engine can store it."""
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)


class KeepMachine(RuleBasedStateMachine):
    """Calls on a real store beside a model of it."""

    chats = Bundle("chats")
    projects = Bundle("projects")

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="chatkeep-model-"))
        # Survives all that this test does to it, and is several times faster.
        self.keep = chatkeep.open(self.place, durability="process")
        self.known: dict[str, Chat] = {}
        self.folders: dict[str, str | None] = {}
        self.spelling: dict[str, str] = {}

    def teardown(self) -> None:
        if not hasattr(self, "keep"):
            return
        assert self.keep.check().findings == ()
        self._compare_with_index()
        self.keep.close()
        shutil.rmtree(self.place)

    # --- what people do ----------------------------------------------------------------------------------------------

    @rule(target=chats, title=st.none() | TEXTS, project=st.none() | projects)
    def create(self, title: str | None, project: str | None) -> Any:
        if project is not None and project not in self.folders:
            with pytest.raises(ProjectNotFoundError):
                self.keep.conversations.create(title=title, project_id=project)
            return multiple()
        made = self.keep.conversations.create(title=title, project_id=project)
        self.known[made.id] = Chat(None if title is None else stored(title), project)
        return made.id

    @rule(
        chat=chats, text=TEXTS, model=MODELS, cost=COSTS, tokens=st.integers(0, 9), file=st.booleans(), data=st.data()
    )
    def append(
        self, chat: str, text: str, model: str | None, cost: int | None, tokens: int, file: bool, data: Any
    ) -> None:
        known = self.known.get(chat)
        parent = self._parent(known, data)
        options: dict[str, Any] = {} if parent is None else {"parent_id": parent}
        options |= {"model": model, "cost_nanos": cost, "usage": Usage(input=tokens) if tokens else None}
        if known is None or known.trashed:
            with pytest.raises(ConversationNotFoundError if known is None else TrashedError):
                self.keep.messages.append(chat, "user", text, **options)
            return
        parts: list[Any] = [Text(text=text)] if text else []
        attachment = None
        if file:
            attachment = self.keep.attachments.add(io.BytesIO(text.encode("utf-8", "replace")), name="f")
            parts.append(AttachmentRef(attachment_id=attachment.id))
        message = self.keep.messages.append(chat, "user", parts, **options)
        sha256 = None if attachment is None else attachment.sha256
        known.messages.append(Said(message.id, parent or known.head, stored(text), model, tokens, cost, sha256))
        known.head = message.id

    @staticmethod
    def _parent(known: Chat | None, data: Any) -> str | None:
        """Where a branch begins; None for no branch."""
        if known is None or not known.messages:
            return None
        found: str | None = data.draw(st.none() | st.sampled_from([message.id for message in known.messages]))
        return found

    @rule(chat=chats, text=TEXTS, model=MODELS)
    def stream(self, chat: str, text: str, model: str | None) -> None:
        known = self.known.get(chat)
        if known is None or known.trashed:
            with pytest.raises(ConversationNotFoundError if known is None else TrashedError):
                self.keep.messages.stream(chat, model=model)
            return
        with self.keep.messages.stream(chat, model=model) as reply:
            reply.write(text)
        known.messages.append(Said(reply.message.id, known.head, stored(text), model, 0, None, None))
        known.head = reply.message.id

    @rule(chat=chats, data=st.data())
    def switch(self, chat: str, data: Any) -> None:
        known = self.known.get(chat)
        if known is None or not known.messages:
            with pytest.raises((ConversationNotFoundError, MessageNotFoundError)):
                self.keep.conversations.switch(chat, "nowhere")
            return
        wanted = data.draw(st.sampled_from([message.id for message in known.messages]))
        known.head = known.newest_leaf(wanted)
        assert self.keep.conversations.switch(chat, wanted).head_id == known.head

    @rule(chat=chats, title=st.none() | TEXTS)
    def rename(self, chat: str, title: str | None) -> None:
        if self._is_there(chat, lambda: self.keep.conversations.rename(chat, title)):
            self.known[chat].title = None if title is None else stored(title)

    @rule(chat=chats)
    def pin(self, chat: str) -> None:
        if self._is_there(chat, lambda: self.keep.conversations.pin(chat)):
            self.known[chat].pinned = True

    @rule(chat=chats, tag=TAGS)
    def tag(self, chat: str, tag: str) -> None:
        if self._is_there(chat, lambda: self.keep.conversations.tag(chat, tag)):
            self.known[chat].tags[tag.casefold()] = self.spelling.setdefault(tag.casefold(), tag)

    @rule(chat=chats, tag=TAGS)
    def untag(self, chat: str, tag: str) -> None:
        if self._is_there(chat, lambda: self.keep.conversations.untag(chat, tag)):
            self.known[chat].tags.pop(tag.casefold(), None)

    @rule(chat=chats)
    def trash(self, chat: str) -> None:
        if self._is_there(chat, lambda: self.keep.conversations.delete(chat)):
            self.known[chat].trashed = True

    @rule(chat=chats)
    def restore(self, chat: str) -> None:
        if self._is_there(chat, lambda: self.keep.conversations.restore(chat)):
            self.known[chat].trashed = False

    @rule(chat=consumes(chats))
    def purge(self, chat: str) -> None:
        # Purging again what was purged is no error: that is how an interrupted purge is finished.
        report = self.keep.conversations.purge(chat)
        assert report.conversations == (chat in self.known)
        if chat in self.known:
            self._forget(chat)

    @rule()
    def empty_the_trash(self) -> None:
        trashed = [id for id, known in self.known.items() if known.trashed]
        assert self.keep.conversations.empty_trash().conversations == len(trashed)
        for id in trashed:
            self._forget(id)

    @rule(target=projects, parent=st.none() | projects)
    def create_project(self, parent: str | None) -> Any:
        if parent is not None and parent not in self.folders:
            with pytest.raises(ProjectNotFoundError):
                self.keep.projects.create("p", parent_id=parent)
            return multiple()
        made = self.keep.projects.create("p", parent_id=parent)
        self.folders[made.id] = parent
        return made.id

    @rule(project=projects)
    def delete_project(self, project: str) -> None:
        if project not in self.folders:
            with pytest.raises(ProjectNotFoundError):
                self.keep.projects.delete(project)
            return
        self.keep.projects.delete(project)
        gone = {project}
        while below := {id for id, parent in self.folders.items() if parent in gone and id not in gone}:
            gone |= below
        self.folders = {id: parent for id, parent in self.folders.items() if id not in gone}
        for known in self.known.values():
            known.project = None if known.project in gone else known.project

    @rule()
    def reopen(self) -> None:
        self.keep.close()
        self.keep = chatkeep.open(self.place, durability="process")

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def the_lists_are_right(self) -> None:
        if not hasattr(self, "keep"):
            return
        for trashed in (False, True):
            listed = {item.id for item in self.keep.conversations.list(trashed=trashed, limit=1000).items}
            assert listed == {id for id, known in self.known.items() if known.trashed is trashed}
        pinned = {item.id for item in self.keep.conversations.list(pinned=True).items}
        assert pinned == {id for id, known in self.known.items() if known.pinned and not known.trashed}
        assert {project.id: project.parent_id for project in self.keep.projects.list().items} == self.folders

    @invariant()
    def each_conversation_is_right(self) -> None:
        for id, known in getattr(self, "known", {}).items():
            found = self.keep.conversations.get(id)
            costs = [message.cost for message in known.messages if message.cost is not None]
            assert (found.title, found.project_id, found.head_id) == (known.title, known.project, known.head)
            assert found.message_count == len(known.messages)
            assert found.usage.input == sum(message.tokens for message in known.messages)
            assert found.cost_nanos == (sum(costs) if costs else None)
            assert found.models == tuple(sorted({message.model for message in known.messages if message.model}))
            assert sorted(tag.casefold() for tag in found.tags) == sorted(known.tags)
            assert [message.id for message in self.keep.messages.thread(id)] == known.thread()
            texts = [(message.id, message.text) for message in self.keep.messages.list(id).items]
            assert texts == [(message.id, message.text) for message in known.messages]

    def _compare_with_index(self) -> None:
        for word in ("tea", "oolong", "python"):
            found = self.keep.search(word, limit=1000, wait=True).hits
            hits = {hit.message_id for hit in found if hit.message_id}
            titles = {hit.conversation_id for hit in found if not hit.message_id}
            shown = {id: known for id, known in self.known.items() if not known.trashed}
            assert hits == {
                message.id for known in shown.values() for message in known.messages if word in message.text.lower()
            }
            assert titles == {id for id, known in shown.items() if word in (known.title or "").lower()}
        named = {message.file for known in self.known.values() for message in known.messages if message.file}
        assert named <= {path.name for path in (self.place / "blobs").rglob("*") if path.is_file()}

    def _is_there(self, chat: str, call: Any) -> bool:
        if chat in self.known:
            call()
            return True
        with pytest.raises(ConversationNotFoundError):
            call()
        return False

    def _forget(self, chat: str) -> None:
        gone = self.known.pop(chat)
        carried = {key for known in self.known.values() for key in known.tags}
        # A tag that only what was purged carried goes along, and with it its spelling.
        for key in gone.tags:
            if key not in carried:
                self.spelling.pop(key, None)


TestKeep = KeepMachine.TestCase
TestKeep.settings = settings(max_examples=50, stateful_step_count=30)
