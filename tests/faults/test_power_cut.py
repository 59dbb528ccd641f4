"""What was acknowledged is there after a power cut at any moment, and nothing else is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.notes import add as note
from tests.faults.notes import open_notes, texts
from tests.faults.vfs import RecordingDisk, restore, survivors


def _record(directory: Path) -> RecordingDisk:
    disk = RecordingDisk()
    engine = open_notes(directory, vfs=disk.name)
    for number in range(6):
        text = f"note {number} " + "x" * 200
        engine.write(note(text))
        disk.acknowledged(text)
        if number in (2, 4):
            # So that cuts also hit the copying of the log into the database, and its new start.
            engine.purge_space()
    engine.close()
    return disk


@pytest.mark.parametrize("seed", [None, 1, 2], ids=["nothing-unsynced", "some-sectors", "other-sectors"])
def test_a_power_cut_at_every_write_loses_nothing_acknowledged(tmp_path: Path, seed: int | None) -> None:
    disk = _record(tmp_path / "store")
    cuts = list(survivors(disk.events, seed=seed))
    assert len(cuts) > 60
    for number, cut in enumerate(cuts):
        place = tmp_path / f"cut-{number}"
        restore(cut, place)

        engine = open_notes(place)
        found = engine.read(texts)
        problems = engine.integrity(full=True)
        engine.close()

        assert problems == [], f"cut {number}"
        assert found[: len(cut.acknowledged)] == cut.acknowledged, f"cut {number}"
        assert len(found) <= len(cut.acknowledged) + 1, f"cut {number}: more than was ever begun"


def test_the_recorder_drops_what_was_not_synced(tmp_path: Path) -> None:
    """The test above must be able to fail: without syncs, as with ``durability="process"``, acknowledged notes go."""
    disk = RecordingDisk()
    engine = open_notes(tmp_path / "store", vfs=disk.name, durability="process")
    engine.write(note("soon gone"))
    disk.acknowledged("soon gone")
    cut = list(survivors(disk.events, seed=None))[-1]
    engine.close()
    restore(cut, tmp_path / "cut")

    survived = open_notes(tmp_path / "cut")
    found = survived.read(texts)
    survived.close()

    assert cut.acknowledged == ["soon gone"]
    assert found == []
