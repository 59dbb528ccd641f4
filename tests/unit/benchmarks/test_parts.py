"""Every part runs at a tiny size. Nothing here asserts a time: this machine may be busy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import append, importing, listing, load, searching, starting, writers
from benchmarks.contenders import OURS, RAW, Chatkeep, RawSqlite
from benchmarks.results import Section


@pytest.fixture(autouse=True)
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed here, the same is measured."""
    for part in (append, load):
        monkeypatch.setattr(part, "installed_contenders", lambda: ({RAW: RawSqlite, OURS: Chatkeep}, ["no peers"]))


def check(section: Section, goals: int, place: Path) -> None:
    assert len(section.verdicts) == goals
    assert all(verdict.gap != "not measured" for verdict in section.verdicts)
    assert section.figures
    json.dumps(section.figures)
    assert [path for path in place.iterdir() if path.suffix != ".json"] == []


def test_append(tmp_path: Path) -> None:
    section = append.run(tmp_path, append.Sizes(rounds=2, seconds=0.01, small=5, large=12))

    check(section, 2, tmp_path)
    assert section.notes == ["no peers"]


def test_writers(tmp_path: Path) -> None:
    sizes = writers.Sizes(writers=2, thread_rounds=2, thread_seconds=0.02, process_rounds=1, process_seconds=0.1)

    section = writers.run(tmp_path, sizes)

    check(section, 5, tmp_path)
    assert [verdict.is_met for verdict in section.verdicts if "errors" in verdict.what] == [True]


def test_load(tmp_path: Path) -> None:
    check(load.run(tmp_path, load.Sizes(conversations=(50, 60), others=1, rounds=1)), 3, tmp_path)


def test_list(tmp_path: Path) -> None:
    check(listing.run(tmp_path, listing.Sizes(conversations=60, rounds=1)), 1, tmp_path)


def test_import(tmp_path: Path) -> None:
    sizes = importing.Sizes(size_bytes=20_000, large_bytes=30_000, rounds=1, vocabulary=500)

    check(importing.run(tmp_path, sizes), 4, tmp_path)


def test_startup(tmp_path: Path) -> None:
    check(starting.run(tmp_path, starting.Sizes(conversations=2, rounds=1)), 2, tmp_path)


def test_search_is_wired_in(tmp_path: Path) -> None:
    section = searching.run(tmp_path, searching.Sizes(messages=30, words=10, per_class=4, slow_peer=1))

    assert "| rare word |" in section.tables[0]


def test_the_program_runs_a_named_part_and_prints_the_section_of_the_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(listing, "QUICK", listing.Sizes(conversations=55, rounds=1))
    figures = tmp_path / "figures.json"

    program.main(["list", "--quick", "--markdown", "--dir", str(tmp_path / "disk"), "--json", str(figures)])

    printed = capsys.readouterr().out
    assert printed.startswith(program.BEGIN)
    assert printed.rstrip().endswith(program.END)
    assert "| goal | wanted | measured | verdict |" in printed
    assert "Quick run" in printed
    assert list(json.loads(figures.read_text("utf-8"))["parts"]) == ["list"]
    assert list((tmp_path / "disk").iterdir()) == []


def test_an_unknown_part_is_refused_with_the_list_of_parts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["lists"])

    assert "append, writers, load, list, import, search, startup" in capsys.readouterr().err


def test_missing_peers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    from benchmarks import contenders

    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)

    makers, notes = contenders.installed_contenders()

    assert list(makers) == [RAW, OURS]
    assert "openai-agents" in notes[0]
