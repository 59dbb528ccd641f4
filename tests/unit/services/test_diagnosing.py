from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

import chatkeep
from chatkeep.instances import Layout
from chatkeep.services import diagnosing
from chatkeep.services.diagnosing import Diagnosis, Surroundings, diagnose


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    directory = tmp_path / "keep"
    with chatkeep.open(directory) as keep:
        id = keep.conversations.create(title="tea").id
        keep.messages.append(id, "user", "hello")
        keep.search("hello")
    return Layout(directory)


def doctor(layout: Layout, home: Path) -> Diagnosis:
    return diagnose(layout, Surroundings(platform="linux", environ={}, home=home, version="1"))


def levels(diagnosis: Diagnosis) -> dict[str, str]:
    return {finding.code: finding.level for finding in diagnosis.findings}


def test_a_sound_instance_has_nothing_to_do(layout: Layout, home: Path) -> None:
    diagnosis = doctor(layout, home)

    assert levels(diagnosis) == {
        "sqlite.safe": "ok",
        "filesystem.local": "ok",
        "disk.free": "ok",
        "store.readable": "ok",
        "search.current": "ok",
    }
    assert diagnosis.level == "ok"
    assert diagnosis.sizes["chats.db"] > 0
    assert diagnosis.versions["chatkeep"] == "1"


def test_it_changes_nothing(layout: Layout, home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in layout.directory.rglob("*") if path.is_file()}

    doctor(layout, home)

    after = {path: path.stat().st_mtime_ns for path in layout.directory.rglob("*") if path.is_file()}
    assert {path: at for path, at in after.items() if path.suffix == ".db"} == {
        path: at for path, at in before.items() if path.suffix == ".db"
    }


def test_a_missing_instance_is_a_note_and_is_not_made(tmp_path: Path, home: Path) -> None:
    diagnosis = doctor(Layout(tmp_path / "nowhere"), home)

    assert levels(diagnosis)["place.empty"] == "note"
    assert diagnosis.level == "note"
    assert not (tmp_path / "nowhere").exists()


def test_an_index_that_lags_or_is_missing_is_told(layout: Layout, home: Path) -> None:
    with chatkeep.open(layout.directory) as keep:
        keep.conversations.create(title="later")
    assert levels(doctor(layout, home))["search.behind"] == "note"

    for path in layout.directory.glob("search.db*"):
        path.unlink()
    assert levels(doctor(layout, home))["search.missing"] == "note"


def test_a_damaged_store_is_a_problem_with_advice(layout: Layout, home: Path) -> None:
    for path in layout.directory.glob("chats.db*"):
        path.unlink()
    layout.chats_db.write_bytes(b"not a database, but long enough to be mistaken for one" * 100)

    diagnosis = doctor(layout, home)

    problems = [finding for finding in diagnosis.findings if finding.level == "problem"]
    assert [finding.code for finding in problems] in (["store.foreign"], ["store.corrupt"])
    assert problems[0].advice
    assert diagnosis.level == "problem"


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")
def test_a_place_that_others_can_look_into_is_a_warning(layout: Layout, home: Path) -> None:
    layout.directory.chmod(0o755)

    finding = next(each for each in doctor(layout, home).findings if each.code == "place.open-to-others")
    assert finding.level == "warning"
    assert "chmod 700" in finding.advice


def test_a_synchronised_folder_is_a_warning(tmp_path: Path, home: Path) -> None:
    (tmp_path / "Dropbox" / "keep").mkdir(parents=True, mode=0o700)

    assert levels(doctor(Layout(tmp_path / "Dropbox" / "keep"), home))["place.synced"] == "warning"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(("free", "code"), [(1_000_000, "disk.full"), (100_000_000, "disk.low")])
def test_a_disk_that_fills_up_is_told_before_it_is_full(
    layout: Layout, home: Path, monkeypatch: pytest.MonkeyPatch, free: int, code: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 10**12 - free, free))

    assert code in levels(doctor(layout, home))


def test_an_examination_that_fails_hides_no_other(layout: Layout, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(layout: Layout) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(diagnosing, "_disk", broken)

    found = levels(doctor(layout, home))
    assert found["doctor.failed"] == "warning"
    assert found["store.readable"] == "ok"


def test_chats_of_other_apps_are_offered(layout: Layout, home: Path) -> None:
    session = home / ".claude" / "projects" / "p" / "s.jsonl"
    session.parent.mkdir(parents=True)
    session.touch()

    diagnosis = doctor(layout, home)

    assert diagnosis.sources == (
        {"path": str(home / ".claude"), "format": "claude-code", "what": "Claude Code sessions"},
    )
    assert levels(diagnosis)["source.found"] == "note"
