"""Importing: from a file, zip, folder or database that a person points at, to conversations in the store."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from chatkeep.errors import (
    BlobMissingError,
    ConflictError,
    ConstraintError,
    DuplicateError,
    NotFoundError,
    UnreadableSourceError,
    UsageError,
)
from chatkeep.formats.protocol import FormatAdapter, Record, Skipped, Source
from chatkeep.formats.registry import adapter, recognise
from chatkeep.formats.sources import open_source, probe_of
from chatkeep.services.preparing import Prepared, Preparer
from chatkeep.services.reporting import Report
from chatkeep.services.weighing import Scales
from chatkeep.store import Store
from chatkeep.store.attachments import require_bytes
from chatkeep.store.engine import Transaction
from chatkeep.store.incoming import Merged
from chatkeep.store.merging import merge

# A batch holds the write lock for some 20 ms; preparing it holds nothing, but costs memory.
BATCH_MESSAGES = 800
BATCH_S = 0.05

# What decoding a record may raise when the record is not what it should be; anything else is a bug of the adapter.
UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    RecursionError,
    msgspec.MsgspecError,
    UnicodeError,
    UnreadableSourceError,
)


# What merging one record may raise for reasons of its own; everything else is the store's trouble and ends the import.
_OF_ONE_RECORD = (BlobMissingError, ConstraintError, ConflictError, DuplicateError, NotFoundError, *UNREADABLE)
# So often a record is prepared again whose attachments somebody else purges again and again.
_MOST_TRIES = 5


class Progress(msgspec.Struct, frozen=True):
    """How far an import is; ``stage`` is ``reading`` or ``indexing``."""

    stage: str
    conversations: int
    messages: int


Listener = Callable[[Progress], None]


class _DryRun(Exception):  # noqa: N818  # not an error: it carries a result out of a transaction that is undone
    def __init__(self, results: list[Merged | Exception]) -> None:
        self.results = results


def import_source(
    store: Store,
    path: Path,
    *,
    format: str | None = None,
    dry_run: bool = False,
    include_purged: bool = False,
    progress: Listener | None = None,
    own_directory: Path | None = None,
) -> Report:
    """Import everything that a source holds; what cannot be read is in the report, with its place.

    Each conversation is merged whole or not at all, and durable in batches: after a crash, importing again goes on
    where it stopped.

    Args:
        store: Where to.
        path: A file, zip, directory or SQLite database.
        format: Name of the adapter; None recognises it.
        dry_run: Report what would happen, change nothing. A conversation that the source holds twice is reported as
            new twice if the two lie far apart.
        include_purged: Bring back what was purged here.
        progress: Called after each batch.
        own_directory: Where the store itself lies; a source may not overlap with it.

    Raises:
        UsageError: The source is this store, or holds it. Nothing was opened.
        UnknownFormatError, AmbiguousFormatError, UnreadableSourceError: Nothing was imported.
        StoreError: The store failed; what was reported by then is kept.
    """
    if own_directory is not None:
        _refuse_own(path, own_directory)
    with open_source(path) as source:
        chosen = adapter(format) if format is not None else recognise(probe_of(source))
        return import_opened(store, chosen, source, dry_run=dry_run, include_purged=include_purged, progress=progress)


def _refuse_own(path: Path, own_directory: Path) -> None:
    """Reading a database of this process as a plain file would drop the locks that SQLite holds on it."""
    here, own = path.resolve(), own_directory.resolve()
    if here == own or own in here.parents or here in own.parents:
        raise UsageError(f"{path} is, or holds, the store that it would be imported into: export it there instead")


def import_opened(
    store: Store,
    chosen: FormatAdapter,
    source: Source,
    *,
    dry_run: bool = False,
    include_purged: bool = False,
    progress: Listener | None = None,
) -> Report:
    """:func:`import_source` of an opened source, with any adapter, registered or not."""
    run = _Import(store, chosen, dry_run=dry_run, include_purged=include_purged, progress=progress)
    run.report.path = str(source.path)
    if not dry_run:
        store.blobs.sweep()
    run.read(source)
    if not dry_run:
        run.tell("indexing")
        store.index.catch_up(None)
    return run.report


class _Import:
    def __init__(
        self, store: Store, chosen: FormatAdapter, *, dry_run: bool, include_purged: bool, progress: Listener | None
    ) -> None:
        self._store = store
        self._adapter = chosen
        self._dry_run = dry_run
        self._include_purged = include_purged
        self._progress = progress
        self._preparer = Preparer(chosen.name, Scales() if dry_run else store.blobs, include_purged=include_purged)
        self._batch: list[tuple[Record, Prepared]] = []
        self._batch_messages = 0
        self._batch_end = 0.0
        self.report = Report(format=chosen.name)

    def read(self, source: Source) -> None:
        """Read all records of the source. Raises UnreadableSourceError."""
        for skipped in source.skipped:
            self.report.skip(skipped)
        records = 0
        unreadable: Skipped | None = None
        with _no_cycle_collection():
            for item in self._adapter.read(source):
                if isinstance(item, Record):
                    records += 1
                    self._take(item)
                elif isinstance(item, Skipped):
                    unreadable = unreadable or item
                    self.report.skip(item)
                else:
                    self.report.leave_out(item)
            self._flush()
        if unreadable is not None and not records:
            # A report without any conversation would look like an import of an empty source.
            raise UnreadableSourceError(
                f"{source.path}: nothing in it could be read: {unreadable.where}: {unreadable.reason}"
            )
        self.report.set_unmapped(self._preparer.unmapped)

    def tell(self, stage: str) -> None:
        """Report progress."""
        if self._progress is not None:
            counts = self.report.conversations
            done = counts.added + counts.updated + counts.unchanged + counts.skipped
            messages = self.report.messages
            self._progress(Progress(stage, done, messages.added + messages.updated + messages.unchanged))

    def _take(self, record: Record) -> None:
        if record.fingerprint is not None:
            count = self._store.known_fingerprint(record.fingerprint)
            if count is not None:
                self.report.take(Merged(outcome="unchanged", messages_unchanged=count))
                return
        try:
            prepared = self._prepared(record)
        except UNREADABLE as error:
            self.report.conversations.skipped += 1
            self.report.skip(Skipped(record.where, reason_of(error)))
            return
        if prepared is None:
            self.report.take(Merged(outcome="purged"))
            return
        if not self._batch:
            self._batch_end = time.monotonic() + BATCH_S
        self._batch.append((record, prepared))
        self._batch_messages += len(prepared.incoming.messages)
        if self._batch_messages >= BATCH_MESSAGES or time.monotonic() >= self._batch_end:
            self._flush()

    def _prepared(self, record: Record) -> Prepared | None:
        """The record in our terms, its attachments' bytes stored; None if it was purged here, whose bytes stay away."""
        found = record.load()
        if not self._include_purged and self._store.was_purged(self._preparer.key_of(found)):
            return None
        for _ in range(_MOST_TRIES):
            with contextlib.suppress(BlobMissingError):
                return self._preparer.prepare(found, where=record.where, fingerprint=record.fingerprint)
        return self._preparer.prepare(found, where=record.where, fingerprint=record.fingerprint)

    def _flush(self) -> None:
        batch, self._batch, self._batch_messages = self._batch, [], 0
        if not batch:
            return
        unused: set[str] = set()
        for (record, prepared), result in zip(batch, self._merge(batch), strict=True):
            if isinstance(result, BlobMissingError):
                prepared, result = self._again(record, prepared, result)
            if not isinstance(result, Merged) or result.outcome == "purged" or prepared.incoming.stand_in:
                unused.update(attachment.sha256 or "" for attachment in prepared.incoming.attachments)
            for problem in prepared.problems:
                self.report.skip(problem)
            if isinstance(result, Merged):
                for remark in prepared.notes:
                    self.report.note(remark)
                unused.update(result.spare_blobs)
                self.report.take(result)
                self.report.attachments.missing += prepared.missing if result.outcome != "purged" else 0
            else:
                self.report.conversations.skipped += 1
                self.report.skip(Skipped(record.where, reason_of(result)))
        if unused - {""} and not self._dry_run:
            self._store.collect(sorted(unused - {""}))
        self.tell("reading")

    def _again(
        self, record: Record, prepared: Prepared, result: Merged | Exception
    ) -> tuple[Prepared, Merged | Exception]:
        """Somebody purged the bytes of this record's attachments, thinking that nobody needs them: put them again."""
        for _ in range(_MOST_TRIES):
            anew = self._prepared(record)
            if anew is None:
                return prepared, Merged(outcome="purged")
            prepared, (result,) = anew, self._merge([(record, anew)])
            if not isinstance(result, BlobMissingError):
                break
        return prepared, result

    def _merge(self, batch: list[tuple[Record, Prepared]]) -> list[Merged | Exception]:
        owner = self._store.owner

        def work(tx: Transaction) -> list[Merged | Exception]:
            results: list[Merged | Exception] = []
            for _, prepared in batch:
                try:
                    if not self._dry_run:
                        require_bytes(self._store.blobs, prepared.incoming.attachments)
                    results.append(merge(tx, owner, prepared.incoming))
                except _OF_ONE_RECORD as error:
                    results.append(error)
            if self._dry_run:
                raise _DryRun(results)
            return results

        try:
            return self._store.engine.write(work)
        except _DryRun as done:
            return done.results


@contextlib.contextmanager
def _no_cycle_collection() -> Iterator[None]:
    """Keep the collector from walking the growing heap of decoded records, which makes no cycles; 3 times faster."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def reason_of(error: Exception) -> str:
    """What to tell of an error without repeating content: kind, and its text if it is short."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
