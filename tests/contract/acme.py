"""An app with exactly the records that a test hands it, and how to import them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chatkeep.encoding import conversation_digest
from chatkeep.formats.protocol import NotImported, Probe, Record, Skipped, Source, SourceConversation, SourceMessage
from chatkeep.formats.sources import open_source
from chatkeep.model import Text
from chatkeep.services.exporting import all_messages
from chatkeep.services.importing import import_opened
from chatkeep.services.reporting import Report
from chatkeep.store import Filter, Store

START = datetime(2026, 1, 1, tzinfo=UTC)


class Acme:
    """An app with exactly the records that a test hands it."""

    name = "acme"
    title = "Acme"

    def __init__(
        self, *records: SourceConversation | Skipped | NotImported | Exception, fingerprints: bool = False
    ) -> None:
        self._records = records
        self._fingerprints = fingerprints
        self.loads = 0

    def recognises(self, probe: Probe) -> bool:
        return False

    def read(self, source: Source) -> Iterator[Record | Skipped | NotImported]:
        for number, record in enumerate(self._records):
            if isinstance(record, Skipped | NotImported):
                yield record
            else:
                fingerprint = f"print-{hash(repr(record))}" if self._fingerprints else None
                yield Record(where=f"record {number}", fingerprint=fingerprint, load=self._loader(record))

    def _loader(self, record: SourceConversation | Exception) -> Any:
        def load() -> SourceConversation:
            self.loads += 1
            if isinstance(record, Exception):
                raise record
            return record

        return load


def said(id: str, parent: str | None, text: str, *, minute: int = 0, **fields: Any) -> SourceMessage:
    usual: dict[str, Any] = {
        "role": "user",
        "parts": (Text(text=text),),
        "created_at": START + timedelta(minutes=minute),
    }
    return SourceMessage(source_id=id, parent_id=parent, **usual | fields)


def talk(messages: Sequence[SourceMessage], **fields: Any) -> SourceConversation:
    usual: dict[str, Any] = {"source_id": "c1", "title": "Tea", "created_at": START, "messages": tuple(messages)}
    return SourceConversation(**usual | fields)


def run(store: Store, tmp_path: Path, *records: Any, fingerprints: bool = False, **options: Any) -> Report:
    path = tmp_path / "acme.txt"
    path.write_text("acme")
    with open_source(path) as source:
        return import_opened(store, Acme(*records, fingerprints=fingerprints), source, **options)


def digest(store: Store, id: str) -> str:
    return conversation_digest(store.conversations.get(id), all_messages(store, id))


def only(store: Store) -> str:
    (item,) = store.conversations.list(Filter()).items
    return item.id


TEA = talk([said("a", None, "Water?"), said("b", "a", "90 C", minute=1, role="assistant", model="m")])
