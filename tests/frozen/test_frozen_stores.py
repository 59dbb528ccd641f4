"""Stores of every released schema are upgraded by opening them, and hold what they held."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import chatkeep
from chatkeep.store.sqlite.schema import known_migrations
from tests.frozen.stores import HERE, digests

FROZEN = sorted(path.name.removesuffix(".db.gz") for path in HERE.glob("*.db.gz"))


@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_store_opens_with_all_that_it_held(name: str, tmp_path: Path) -> None:
    (tmp_path / "chats.db").write_bytes(gzip.decompress((HERE / f"{name}.db.gz").read_bytes()))
    with chatkeep.open(tmp_path) as keep:
        found = digests(keep)
        report = keep.check()
        hits = keep.search("oolong").hits
        keep.messages.append(hits[0].conversation_id, "user", "still writable")

    assert found == json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    assert report.findings == ()


def test_todays_schema_is_frozen_too() -> None:
    """Whoever adds a migration freezes its schema: ``python -m tests.frozen.stores``."""
    assert f"{known_migrations()[-1].number:04d}" in FROZEN


def test_the_text_of_a_frozen_schema_never_changes(tmp_path: Path) -> None:
    """A released migration is never edited: the store's own record of it would no longer fit."""
    for name in FROZEN:
        path = tmp_path / name / "chats.db"
        path.parent.mkdir()
        path.write_bytes(gzip.decompress((HERE / f"{name}.db.gz").read_bytes()))
        with chatkeep.open(path.parent) as keep:
            recorded = keep._store.engine.read(lambda tx: tx.rows("SELECT number, sha256 FROM migration"))
        known = {migration.number: migration.sha256 for migration in known_migrations()}
        assert {number: known[number] for number, _ in recorded} == dict(recorded)
