"""Ending streams whose writer is gone."""

from __future__ import annotations

import logging

from chatkeep.errors import StoreCorruptError
from chatkeep.store.engine import Engine, Row, Transaction
from chatkeep.store.folding import StreamKey, fold_stream, settle_message
from chatkeep.store.presence import Presence

_log = logging.getLogger(__name__)
_PAGE = 1_000
_END = {"status": "interrupted"}
# A message may claim to be streaming without a stream: it came in through a restore or an import.
_STRAY = (
    "SELECT m.pk, m.owner FROM message AS m WHERE m.status = 'streaming'"
    " AND NOT EXISTS (SELECT 1 FROM stream AS s WHERE s.message_pk = m.pk)"
)


def recover(engine: Engine, presence: Presence) -> int:
    """End, as ``interrupted``, every stream whose writer is gone; how many that were.

    What was flushed becomes the message's parts. Safe beside others that do the same, and beside live writers.
    """
    writer_ids, stray = engine.read(_found)
    ended = 0
    for writer_id in writer_ids:
        with presence.claim(writer_id) as is_gone:
            if is_gone:
                ended += end_streams_of(engine, writer_id)
    for message_pk, owner in stray:
        ended += _end_stray(engine, message_pk, owner)
    presence.sweep()
    return ended


def end_streams_of(engine: Engine, writer_id: str) -> int:
    """End all streams of a writer as ``interrupted``, each in a transaction of its own; how many that were."""
    ended, after = 0, -1
    while True:
        rows = engine.read(lambda tx, after=after: _streams_of(tx, writer_id, after))  # type: ignore[misc]  # bound now
        if not rows:
            return ended
        for message_pk, owner in rows:
            after = message_pk
            key = StreamKey(message_pk, owner, writer_id)
            try:
                ended += engine.write(lambda tx, key=key: fold_stream(tx, key, _END) is not None)  # type: ignore[misc]  # bound now
            except StoreCorruptError:
                # One damaged record must not keep the others from their end; `check` names it.
                _log.error("an interrupted stream (message %d) is damaged and was left as it is", message_pk)


def _found(tx: Transaction) -> tuple[list[str], list[Row]]:
    rows = tx.rows("SELECT DISTINCT writer_id FROM stream ORDER BY writer_id LIMIT :size", {"size": _PAGE})
    return [row[0] for row in rows], tx.rows(f"{_STRAY} ORDER BY m.pk LIMIT :size", {"size": _PAGE})


def _streams_of(tx: Transaction, writer_id: str, after: int) -> list[Row]:
    return tx.rows(
        "SELECT message_pk, owner FROM stream WHERE writer_id = :writer_id AND message_pk > :after"
        " ORDER BY message_pk LIMIT :size",
        {"writer_id": writer_id, "after": after, "size": _PAGE},
    )


def _end_stray(engine: Engine, message_pk: int, owner: str) -> bool:
    def work(tx: Transaction) -> bool:
        if not tx.row(f"{_STRAY} AND m.pk = :pk AND m.owner = :owner", {"pk": message_pk, "owner": owner}):
            return False
        return settle_message(tx, owner, message_pk, _END) is not None

    try:
        return engine.write(work)
    except StoreCorruptError:
        _log.error("a message (%d) that claims to be streaming is damaged and was left as it is", message_pk)
        return False
