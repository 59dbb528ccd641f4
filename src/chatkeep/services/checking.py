"""`check`: is everything that was promised still so? Reports, and repairs what is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256

import msgspec

from chatkeep.errors import BlobMissingError
from chatkeep.store import Store
from chatkeep.store.counting import recount, relink, wrong_counters
from chatkeep.store.engine import Row, Transaction
from chatkeep.store.rows import decode_message, message_columns

PAGE = 500


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be. ``repairable`` says whether it is derived, so that it can be made anew."""

    code: str
    where: str
    message: str
    repairable: bool = False
    repaired: bool = False


class CheckReport(msgspec.Struct, frozen=True):
    """What a check found, and what it looked at."""

    findings: tuple[Finding, ...]
    conversations: int
    messages: int
    attachments: int

    @property
    def is_clean(self) -> bool:
        """Whether everything is as it should be now."""
        return all(finding.repaired for finding in self.findings)


def check(store: Store, *, repair: bool = False, full: bool = True) -> CheckReport:
    """Check database, rows, counters, attachments and index of a store.

    Args:
        store: What to check.
        repair: Make derived things anew where they are wrong: counters, the index, bytes that nobody names.
        full: Also read every attachment's bytes and every page of the database.
    """
    run = _Check(store, repair=repair, full=full)
    for part in (run.database, run.rows, run.conversations, run.attachments, run.stray_bytes, run.index):
        part()
    return CheckReport(tuple(run.findings), run.seen["conversation"], run.seen["message"], run.seen["attachment"])


class _Check:
    def __init__(self, store: Store, *, repair: bool, full: bool) -> None:
        self._store = store
        self._repair = repair
        self._full = full
        self.findings: list[Finding] = []
        self.seen = {"conversation": 0, "message": 0, "attachment": 0}

    def database(self) -> None:
        """The engine's own view of its files."""
        for problem in self._store.engine.integrity(full=self._full):
            self._found("database", self._store.engine.name, problem)

    def rows(self) -> None:
        """Each message's body against the columns beside it, and its parent."""
        for pk, id, body, *columns in self._pages("message", _MESSAGE_SQL):
            try:
                message = decode_message(body)
            except msgspec.MsgspecError as error:
                self._found("message-unreadable", f"message {id}", f"its body cannot be decoded: {error}")
                continue
            expected = message_columns(message)
            wrong = [name for name, value in zip(_MESSAGE_COLUMNS, columns, strict=True) if expected[name] != value]
            if wrong:
                self._found("message-columns", f"message {id}", f"columns differ from its body: {', '.join(wrong)}")
            if message.parent_id is not None and not self._parent_is_above(pk, message.parent_id):
                self._found("message-parent", f"message {id}", "its parent is not before it in its conversation")

    def _parent_is_above(self, pk: int, parent_id: str) -> bool:
        return bool(
            self._store.engine.read(
                lambda tx: tx.row(
                    "SELECT 1 FROM message AS m JOIN message AS p ON p.owner = m.owner AND p.id = :parent"
                    " AND p.conversation_pk = m.conversation_pk AND p.seq < m.seq WHERE m.pk = :pk",
                    {"parent": parent_id, "pk": pk},
                )
            )
        )

    def conversations(self) -> None:
        """Counters, head, models and tags of each conversation against its messages and links."""
        for pk, id, *_ in self._pages("conversation", _CONVERSATION_SQL):
            wrong = self._store.engine.read(lambda tx, pk=pk: wrong_counters(tx, self._store.owner, pk))  # type: ignore[misc]  # a lambda with a default
            if wrong:
                self._found(
                    "conversation-counters",
                    f"conversation {id}",
                    f"derived fields differ from its messages: {', '.join(wrong)}",
                    repair=lambda pk=pk: self._recount(pk),  # type: ignore[misc]  # a lambda with a default
                )

    def _recount(self, pk: int) -> None:
        def work(tx: Transaction) -> None:
            relink(tx, self._store.owner, pk)
            recount(tx, self._store.owner, pk)

        self._store.engine.write(work)

    def attachments(self) -> None:
        """Each attachment's bytes: there, of the right size and digest."""
        for _, id, digest, size in self._pages("attachment", _ATTACHMENT_SQL):
            if digest is None:
                continue
            found = self._store.blobs.size(digest)
            if found is None:
                self._found("attachment-missing", f"attachment {id}", "its bytes are missing: import its source again")
            elif found != size or (self._full and not self._is_whole(digest)):
                self._found("attachment-damaged", f"attachment {id}", "its bytes are not what was stored")

    def _is_whole(self, digest: str) -> bool:
        total = sha256()
        try:
            with self._store.blobs.open(digest) as content:
                while chunk := content.read(1 << 20):
                    total.update(chunk)
        except (BlobMissingError, OSError):
            return False
        return total.hexdigest() == digest

    def stray_bytes(self) -> None:
        """Bytes that no attachment of any owner names: what an interrupted import or purge leaves."""
        for blob in self._store.blobs.all():
            named = self._store.engine.read(
                lambda tx, blob=blob: tx.row(  # type: ignore[misc]  # a lambda with a default
                    "SELECT 1 FROM attachment WHERE sha256 = :sha256 LIMIT 1", {"sha256": blob.sha256}
                )
            )
            if not named:
                self._found(
                    "attachment-stray",
                    f"blob {blob.sha256}",
                    "no attachment names these bytes",
                    repair=lambda blob=blob: self._store.collect([blob.sha256]),  # type: ignore[misc]  # a lambda with a default
                )

    def index(self) -> None:
        """The search index against the rows."""
        self._store.index.catch_up(None)
        problems = self._store.index.check()
        for problem in problems:
            self._found("index", "search.db", problem, repair=None if self._repair else _later)
        if problems and self._repair:
            self._store.index.rebuild()
            still = set(self._store.index.check())
            self.findings = [
                finding
                if finding.code != "index"
                else msgspec.structs.replace(finding, repairable=True, repaired=finding.message not in still)
                for finding in self.findings
            ]

    def _pages(self, kind: str, sql: str) -> Iterator[Row]:
        after = 0
        while True:
            rows = self._store.engine.read(
                lambda tx, after=after: tx.rows(sql, {"owner": self._store.owner, "after": after, "size": PAGE})  # type: ignore[misc]  # a lambda with a default
            )
            self.seen[kind] += len(rows)
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def _found(self, code: str, where: str, message: str, *, repair: Callable[[], object] | None = None) -> None:
        repaired = False
        if repair is not None and repair is not _later and self._repair:
            repair()
            repaired = True
        self.findings.append(
            Finding(code=code, where=where, message=message, repairable=repair is not None, repaired=repaired)
        )


def _later() -> None:
    """Stands for a repair that is made once for all findings of a kind."""


_MESSAGE_COLUMNS = (
    "seq",
    "parent_id",
    "role",
    "model",
    "status",
    "hidden",
    "rating",
    "created_at",
    "input_tokens",
    "output_tokens",
    "cost_nanos",
    "source_id",
)
_MESSAGE_SQL = (
    f"SELECT pk, id, body, {', '.join(_MESSAGE_COLUMNS)} FROM message WHERE owner = :owner AND pk > :after"
    " ORDER BY pk LIMIT :size"
)
_CONVERSATION_SQL = "SELECT pk, id FROM conversation WHERE owner = :owner AND pk > :after ORDER BY pk LIMIT :size"
_ATTACHMENT_SQL = (
    "SELECT pk, id, sha256, size_bytes FROM attachment WHERE owner = :owner AND pk > :after ORDER BY pk LIMIT :size"
)
