"""The index stays quick to ask and to write, however its documents arrive."""

from __future__ import annotations

from pathlib import Path

import apsw

from chatkeep.store.sqlite.search import SearchIndex
from tests.search_corpus import OWNER, open_engine, say


def segments(directory: Path) -> int:
    connection = apsw.Connection(str(directory / "search.db"))
    row = connection.execute("SELECT count(DISTINCT segid) FROM fts_idx").fetchone()
    connection.close()
    assert row is not None
    return int(row[0])


def test_many_small_batches_leave_few_segments(tmp_path: Path) -> None:
    """Each query looks into every segment, so a chat of single appends must not pile them up."""
    engine = open_engine(tmp_path)
    with SearchIndex(engine, tmp_path) as index:
        for n in range(150):
            say(engine, f"needle number {n}")
            index.catch_up()

        assert segments(tmp_path) <= 16
        assert len(index.search(OWNER, "needle", limit=1_000).hits) == 150
        assert index.check() == []
    engine.close()
