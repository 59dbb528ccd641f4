"""`check`: is everything that was promised still so? Reports, and repairs what is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256

import msgspec

from chatkeep.errors import BlobMissingError
from chatkeep.store import Store
from chatkeep.store.auditing import (
    PAGE,
    attachment_page,
    conversation_page,
    expect_again,
    is_named,
    message_page,
    message_problems,
)
from chatkeep.store.counting import recount, relink, wrong_counters
from chatkeep.store.engine import Row, Transaction

Pager = Callable[[Transaction, str, int], list[Row]]


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
    for part in (run.database, run.messages, run.conversations, run.attachments, run.stray_bytes, run.index):
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

    def messages(self) -> None:
        """Each message's body against the columns beside it, and its parent."""
        for row in self._pages("message", message_page):
            for code, problem in message_problems(row):
                self._found(code, f"message {row[1]}", problem)

    def conversations(self) -> None:
        """Counters, head, models and tags of each conversation against its messages and links."""
        owner = self._store.owner
        for pk, id in self._pages("conversation", conversation_page):
            wrong = self._store.engine.read(partial(_wrong_counters, owner=owner, pk=pk))
            if wrong:
                problem = f"derived fields differ from its messages: {', '.join(wrong)}"
                repair = partial(self._recount, pk)
                self._found("conversation-counters", f"conversation {id}", problem, repair=repair)

    def _recount(self, pk: int) -> None:
        def work(tx: Transaction) -> None:
            relink(tx, self._store.owner, pk)
            recount(tx, self._store.owner, pk)

        self._store.engine.write(work)

    def attachments(self) -> None:
        """Each attachment's bytes: there, of the right size and digest."""
        for pk, id, digest, size in self._pages("attachment", attachment_page):
            if digest is None or self._is_sound(digest, size):
                continue
            if not self._store.engine.read(partial(is_named, sha256=digest)):
                continue  # purged meanwhile
            advice = "check with --repair, then import its source again"
            if self._store.blobs.size(digest) is None:
                self._found("attachment-missing", f"attachment {id}", f"its bytes are missing: {advice}")
            else:
                self._found("attachment-damaged", f"attachment {id}", f"its bytes are not what was stored: {advice}")
            if self._repair:
                self._store.engine.write(partial(expect_again, owner=self._store.owner, attachment_pk=pk))

    def _is_sound(self, digest: str, size: int) -> bool:
        return self._store.blobs.size(digest) == size and (not self._full or self._is_whole(digest))

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
        if self._repair:
            self._store.blobs.sweep()
        for blob in self._store.blobs.all():
            if not self._store.engine.read(partial(is_named, sha256=blob.sha256)):
                repair = partial(self._store.collect, [blob.sha256])
                problem = "no attachment names these bytes"
                self._found("attachment-stray", f"blob {blob.sha256}", problem, repair=repair)

    def index(self) -> None:
        """The search index against the rows; repaired by making it anew."""
        self._store.index.catch_up(None)
        problems = self._store.index.check()
        still: set[str] = set()
        if problems and self._repair:
            self._store.index.rebuild()
            still = set(self._store.index.check())
        if self._repair:
            # What a purge that was stopped half way has left.
            self._store.index.expunge()
            self._store.engine.purge_space()
        self.findings += [
            Finding(
                code="index",
                where="search.db",
                message=problem,
                repairable=True,
                repaired=self._repair and problem not in still,
            )
            for problem in problems
        ]

    def _pages(self, kind: str, pager: Pager) -> Iterator[Row]:
        after = 0
        while True:
            rows = self._store.engine.read(partial(_page, pager=pager, owner=self._store.owner, after=after))
            self.seen[kind] += len(rows)
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def _found(self, code: str, where: str, message: str, *, repair: Callable[[], object] | None = None) -> None:
        repaired = repair is not None and self._repair
        if repair is not None and repaired:
            repair()
        self.findings.append(
            Finding(code=code, where=where, message=message, repairable=repair is not None, repaired=repaired)
        )


def _page(tx: Transaction, *, pager: Pager, owner: str, after: int) -> list[Row]:
    return pager(tx, owner, after)


def _wrong_counters(tx: Transaction, *, owner: str, pk: int) -> list[str]:
    return wrong_counters(tx, owner, pk)
