"""Recognising the app's databases, and reading them chat by chat."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import apsw

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.json_stream import fingerprint
from chatkeep.formats.protocol import NotImported, Probe, Record, Skipped, Source, SourceConversation
from chatkeep.formats.values import Problems

from .chats import config_ids, conversation_of
from .gathering import ChatRows, gather
from .instances import DATABASE, Instance, instance_of, is_data_folder
from .leftovers import not_imported
from .model_names import ModelConfigs
from .projects import Projects
from .tables import Tables

name = "chorus-app"
title = "Chorus desktop app (chats.db)"
revision = 1

# Schemas 1 to 16 had no more than these.
_FIRST_TABLES = {"_sqlx_migrations", "chats", "messages", "models"}


def recognises(probe: Probe) -> bool:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`.

    Tables tell the app's database from others of the same name: message sets, or in its first months the ledger of
    its migrations.
    """
    tables = probe.tables
    if {"chats", "messages"} <= tables and ("message_sets" in tables or tables <= _FIRST_TABLES):
        return True
    return probe.kind == "directory" and is_data_folder(probe.path, probe.names)


def read(source: Source) -> Iterator[Record | Skipped | NotImported]:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    instance = instance_of(source)
    yield from instance.skipped
    try:
        yield from _Reader(instance).records()
    except apsw.Error as error:
        raise UnreadableSourceError(f"{DATABASE}: {error}") from error
    yield from instance.not_imported


class _Reader:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._tables = Tables(instance.connection)
        self._configs = ModelConfigs(self._tables)
        self._projects = Projects(self._tables)
        # The chat that was read last: its record is usually loaded next, and need not be read again.
        self._last: tuple[int, ChatRows, Problems] | None = None

    def records(self) -> Iterator[Record | Skipped | NotImported]:
        placeholders = 0
        for rowid, key in self._tables.chats():
            if key is None:
                yield Skipped(f"{DATABASE} chat row {rowid}", "it has no id")
                continue
            where = f"{DATABASE} chat {key.decode('utf-8', 'replace')[:80]}"
            try:
                rows = self._rows(rowid, key, where)
            except apsw.Error as error:
                yield Skipped(where, f"its rows cannot be read: {error}")
                continue
            if rows.is_placeholder:
                placeholders += 1
            else:
                yield Record(
                    where=where, fingerprint=self._fingerprint(rows), load=partial(self._load, rowid, key, where)
                )
        if placeholders:
            yield NotImported("empty chats kept ready for new ones", placeholders)
        yield from not_imported(self._tables)

    def _rows(self, rowid: int, key: bytes, where: str) -> ChatRows:
        problems = Problems(where)
        rows = gather(self._tables, rowid, key, problems)
        self._last = (rowid, rows, problems)
        return rows

    def _fingerprint(self, rows: ChatRows) -> str:
        return fingerprint(
            name,
            revision,
            rows.raw(),
            self._projects.raw(rows.chat.get("project_id")),
            self._configs.raw(config_ids(rows)),
        )

    def _load(self, rowid: int, key: bytes, where: str) -> SourceConversation:
        if self._last is None or self._last[0] != rowid:
            try:
                self._rows(rowid, key, where)
            except apsw.Error as error:
                raise ValueError(f"its rows cannot be read: {error}") from error
        assert self._last is not None
        _, rows, problems = self._last
        # Making a conversation uses the rows up.
        self._last = None
        project = self._projects.of(rows.chat.get("project_id"), problems)
        return conversation_of(rows, project, self._instance.files, self._configs, problems)
