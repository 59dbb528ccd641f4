"""One owner's store: its collections over one engine, one place for bytes and one search index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chatkeep.blobs import Blobs
from chatkeep.model import Attachment, Conversation, Project, SourceKey
from chatkeep.store.attachments import Attachments, attachments_of
from chatkeep.store.changes import Changes
from chatkeep.store.conversations import Conversations, read_conversation
from chatkeep.store.engine import Engine, Transaction
from chatkeep.store.index import Index
from chatkeep.store.messages import Messages
from chatkeep.store.projects import Projects, project_row
from chatkeep.store.purging import PurgedRows, purge_rows, trashed_before, was_purged
from chatkeep.store.tags import Tags


class Store:
    """What services work on; nothing here knows which engine it is."""

    def __init__(self, engine: Engine, blobs: Blobs, index: Index, owner: str) -> None:
        self.engine = engine
        self.blobs = blobs
        self.index = index
        self.owner = owner
        self.conversations = Conversations(engine, owner)
        self.projects = Projects(engine, owner)
        self.tags = Tags(engine, owner)
        self.attachments = Attachments(engine, blobs, owner)
        self.messages = Messages(engine, owner, self.attachments)
        self.changes = Changes(engine, owner)

    def known_fingerprint(self, fingerprint: str) -> int | None:
        """How many messages the conversation has that was imported with this fingerprint; None if there is none."""
        row = self.engine.read(
            lambda tx: tx.row(
                "SELECT message_count FROM conversation WHERE owner = :owner AND source_digest = :digest",
                {"owner": self.owner, "digest": fingerprint},
            )
        )
        return None if row is None else int(row[0])

    def was_purged(self, source: SourceKey) -> bool:
        """Whether the conversation of this source record was purged here."""
        return self.engine.read(lambda tx: was_purged(tx, self.owner, source))

    def header(self, id: str) -> tuple[Conversation, Project | None, list[Attachment]]:
        """A conversation with its project and attachments, of one moment. Raises ConversationNotFoundError."""

        def work(tx: Transaction) -> tuple[Conversation, Project | None, list[Attachment]]:
            conversation = read_conversation(tx, self.owner, id)
            project_id = conversation.project_id
            project = None if project_id is None else project_row(tx, self.owner, project_id)[1]
            return conversation, project, attachments_of(tx, self.owner, id)

        return self.engine.read(work)

    def purge(self, conversation_ids: Iterable[str]) -> PurgedRows:
        """Delete rows for good; the bytes are the purging service's business. Raises ConversationNotFoundError."""
        ids = list(dict.fromkeys(conversation_ids))
        return self.engine.write(lambda tx: purge_rows(tx, self.owner, ids))

    def purged_of(self, conversation_ids: Iterable[str]) -> set[str]:
        """Those of these ids that are gone and that the change log says were purged; reads all of the log."""
        rows = self.engine.read(
            lambda tx: tx.rows(
                "SELECT DISTINCT g.id FROM change AS g WHERE g.owner = :owner AND g.kind = 'conversation'"
                " AND g.op = 'delete'"
                " AND NOT EXISTS (SELECT 1 FROM conversation AS c WHERE c.owner = g.owner AND c.id = g.id)",
                {"owner": self.owner},
            )
        )
        return {row[0] for row in rows} & set(conversation_ids)

    def collect(self, sha256s: Iterable[str]) -> int:
        """Remove bytes that no attachment names; how many there were.

        Under the write lock, so that no row can come to name them meanwhile.
        """

        def work(tx: Transaction) -> int:
            named = "SELECT 1 FROM attachment WHERE sha256 = :sha256 LIMIT 1"
            return sum(self.blobs.delete(sha256) for sha256 in sha256s if tx.row(named, {"sha256": sha256}) is None)

        return self.engine.write(work)

    def trashed_before(self, moment: datetime | None) -> list[str]:
        """Up to 100 conversations that went to the trash before a moment (None: whenever), oldest first."""
        return self.engine.read(lambda tx: trashed_before(tx, self.owner, moment))
