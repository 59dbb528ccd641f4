"""What the reader makes of a database of each schema version, against ``expected/<case>.json``.

The databases are built anew for each run; ``CHATKEEP_TEST_GOLDEN=rewrite`` writes the expected files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chatkeep.formats.adapters import chorus_app
from chatkeep.formats.registry import recognise
from chatkeep.formats.sources import probe
from tests.golden.chorus_app import today
from tests.golden.chorus_app.eras import ERAS
from tests.golden.test_golden import as_text, outcome

EXPECTED = Path(__file__).parent / "expected"


def _instance(folder: Path) -> None:
    today.build(folder)


def _alone(build: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: build(folder / "chats.db")


CASES = {"instance": _instance, **{name: _alone(build) for name, build in ERAS.items()}}


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_database_is_read_as_expected(case: str, tmp_path: Path) -> None:
    CASES[case](tmp_path)

    found = as_text(outcome(chorus_app, tmp_path))
    expected = EXPECTED / f"{case}.json"
    if os.environ.get("CHATKEEP_TEST_GOLDEN") == "rewrite":
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(found, "utf-8", newline="\n")

    assert json.loads(found) == json.loads(expected.read_text("utf-8"))
    assert "NOT-REAL" not in found


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_database_is_recognised_alone_and_in_its_folder(case: str, tmp_path: Path) -> None:
    CASES[case](tmp_path)

    assert recognise(probe(tmp_path)) is chorus_app
    assert recognise(probe(tmp_path / "chats.db")) is chorus_app
