"""What must be there after a run of kills, and what must not: the ledgers of all lives against the store."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from chatkeep.errors import ConversationNotFoundError, MessageNotFoundError
from chatkeep.keep import Keep
from chatkeep.model import Conversation, Message, derived_id
from tests.faults.kill_ledger import Act, Life


class Verdict:
    """Collects what is wrong; ``acknowledged`` counts calls by kind, so that a test can see that there were any."""

    def __init__(self, keep: Keep, lives: list[Life]) -> None:
        self._keep = keep
        self._lives = lives
        self.wrongs: list[str] = [wrong for life in lives for wrong in life.wrongs]
        self.acknowledged = Counter(act.what for life in lives for act in life.acts if act.is_done)
        self.losses_s: list[float] = []
        """Of each reply that lost something, how long before the kill it was written."""
        self._purges = [act for life in lives for act in life.acts if act.what == "purge"]
        self._purged = {act.facts["id"] for act in self._purges}

    def judge(self) -> None:
        """Look at everything that every life did."""
        for life in self._lives:
            self._headers(life)
            self._messages(life)
            self._streams(life)
        self._check_purges()

    def imports(self, sources: dict[str, dict[str, int]]) -> None:
        """``sources`` says by file name which conversations it holds, by source id, and of how many messages each."""
        for life in self._lives:
            for act in life.acts:
                if act.what == "import":
                    for source_id, count in sources[act.facts["source"]].items():
                        self._imported(source_id, count, is_done=act.is_done)

    def secrets(self, directory: Path) -> None:
        """No byte of what was purged is in any file; looks at files, so nobody may have the store open."""
        content = b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())
        for act in self._purges:
            secret = act.facts["secret"]
            if act.is_done and secret and str(secret).encode() in content:
                self.wrongs.append(f"{secret} was purged and is still in a file")

    def _headers(self, life: Life) -> None:
        # By conversation: what each field may be, from what was acknowledged last on.
        titles: dict[str, list[str]] = defaultdict(list)
        trashed: dict[str, list[bool]] = defaultdict(lambda: [False])
        tags: dict[str, set[str]] = defaultdict(set)
        for act in life.acts:
            chat = act.facts.get("chat") or act.facts.get("id", "")
            if act.what in ("create", "rename"):
                titles[chat] = [act.facts["title"]] if act.is_done else [*titles[chat], act.facts["title"]]
            elif act.what in ("trash", "restore"):
                is_trashed = act.what == "trash"
                trashed[chat] = [is_trashed] if act.is_done else [*trashed[chat], is_trashed]
            elif act.what == "tag" and act.is_done:
                tags[chat].add(act.facts["tag"])
        created = {act.facts["id"] for act in life.acts if act.what == "create" and act.is_done}
        for chat in sorted(created - self._purged):
            found = self._conversation(chat)
            if found is None:
                self.wrongs.append(f"life {life.number}: conversation {chat} was acknowledged and is gone")
            elif (
                found.title not in titles[chat]
                or (found.trashed_at is not None) not in trashed[chat]
                or not tags[chat] <= set(found.tags)
            ):
                self.wrongs.append(f"life {life.number}: {found} should be {titles[chat]} {trashed[chat]} {tags[chat]}")

    def _messages(self, life: Life) -> None:
        for act in life.acts:
            if act.what == "append":
                found = self._message(act.facts["id"])
                if act.is_done and (found is None or found.text != act.facts["text"]):
                    self.wrongs.append(f"life {life.number}: {act} is now {found}")
            elif act.what == "extend" and act.is_done:
                texts = [getattr(self._message(id), "text", None) for id in act.facts["ids"]]
                if texts != act.facts["texts"]:
                    self.wrongs.append(f"life {life.number}: {act} is now {texts}")
            elif act.what == "extend":
                self._all_or_none(life, act)

    def _all_or_none(self, life: Life, act: Act) -> None:
        if self._conversation(act.facts["chat"]) is None:
            return
        there = {message.text for message in self._keep.messages.list(act.facts["chat"]).items}
        found = [text for text in act.facts["texts"] if text in there]
        if found not in ([], act.facts["texts"]):
            self.wrongs.append(f"life {life.number}: half of {act} is there")

    def _streams(self, life: Life) -> None:
        finished = {act.facts["id"] for act in life.acts if act.what == "finish" and act.is_done}
        for act in life.acts:
            if act.what != "stream":
                continue
            id = act.facts["id"]
            message = self._message(id)
            if message is None:
                if act.is_done:
                    self.wrongs.append(f"life {life.number}: the reply {id} was acknowledged and is gone")
                continue
            self._stream(life, message, is_finished=id in finished)

    def _stream(self, life: Life, message: Message, *, is_finished: bool) -> None:
        pieces = [act for act in life.acts if act.what == "piece" and act.facts["id"] == message.id]
        whole = "".join(act.facts["text"] for act in pieces)
        is_pending = any(act.what == "finish" and act.facts["id"] == message.id for act in life.acts)
        allowed = {"complete"} if is_finished else {"interrupted", "complete"} if is_pending else {"interrupted"}
        if message.status not in allowed:
            self.wrongs.append(f"life {life.number}: the reply {message.id} is {message.status}")
        # A piece that was handed over but not noted may be there, too: the kill came in between.
        if not (whole.startswith(message.text) or message.text.startswith(whole)):
            self.wrongs.append(f"life {life.number}: {message.text[:80]!r} is no beginning of {whole[:80]!r}")
        if is_finished and message.text != whole:
            self.wrongs.append(f"life {life.number}: the finished reply {message.id} is not whole")
        length = 0
        for piece in pieces:
            length += len(piece.facts["text"])
            if length > len(message.text):
                lost_s = (life.killed_ns - piece.facts.get("at", life.killed_ns)) / 1e9
                self.losses_s.append(lost_s)
                break

    def _check_purges(self) -> None:
        for act in self._purges:
            if act.is_done and self._conversation(act.facts["id"]) is not None:
                self.wrongs.append(f"{act} came back")

    def _imported(self, source_id: str, count: int, *, is_done: bool) -> None:
        id = derived_id("chatgpt", "", source_id, 1_730_000_000_000_000)
        found = self._conversation(id)
        if found is None:
            if is_done and id not in self._purged:
                self.wrongs.append(f"the imported conversation {source_id} was acknowledged and is gone")
            return
        messages = self._keep.messages.list(id).items
        if found.message_count != count or len(messages) != count:
            self.wrongs.append(f"the imported conversation {source_id} has {len(messages)} messages of {count}")
        for attachment in self._keep.attachments.list(id):
            with self._keep.attachments.open(attachment.id) as content:
                if len(content.read()) != attachment.size_bytes:
                    self.wrongs.append(f"an attachment of {source_id} is damaged")

    def _conversation(self, id: str) -> Conversation | None:
        try:
            return self._keep.conversations.get(id)
        except ConversationNotFoundError:
            return None

    def _message(self, id: str) -> Message | None:
        try:
            return self._keep.messages.get(id)
        except MessageNotFoundError:
            return None
