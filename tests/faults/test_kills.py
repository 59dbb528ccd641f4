"""Eight processes work on one store and are killed at random moments, hundreds of times."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

import chatkeep
from tests.faults.kill_ledger import read_lives
from tests.faults.kill_life import SHARED_CHATS, Places, shared_chat
from tests.faults.kill_verdict import Verdict
from tests.unit.formats.chatgpt_samples import conversation, node, packed, picture

ROOT = Path(__file__).parents[2]
# `CHATKEEP_TEST_KILLS=5000 CHATKEEP_TEST_SEED=7 make test` for more, and others.
KILLS = int(os.environ.get("CHATKEEP_TEST_KILLS", "500"))
SEED = int(os.environ.get("CHATKEEP_TEST_SEED", "1"))
SOURCES, TURNS = 24, 12
MOST_LOST_S = 0.25
"""What is promised of a streamed reply."""


def _write_sources(directory: Path) -> dict[str, dict[str, int]]:
    """Exports that overlap, with pictures of which many are alike; by name, what each holds."""
    directory.mkdir()
    sources = {}
    for number in range(SOURCES):
        ids = [f"conversation-{(number + offset) % SOURCES}" for offset in range(3)]
        chats = [conversation(id, *_turns(id), title=f"about {id}") for id in ids]
        files: dict[str, object] = {"conversations.json": chats}
        files |= {f"file-{id}-picture.png": b"\x89PNG" + str(number % 2).encode() * 100 for id in ids}
        packed(directory / f"export-{number}.zip", files)
        sources[f"export-{number}.zip"] = dict.fromkeys(ids, TURNS)
    return sources


def _turns(id: str) -> list[dict[str, Any]]:
    keys = [f"{id}-{turn}" for turn in range(TURNS)]
    nodes = [node(key, parent, f"imported {key}") for key, parent in zip(keys, [None, *keys], strict=False)]
    nodes[1] = node(keys[1], keys[0], picture(f"file-service://file-{id}"))
    return nodes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.timeout(100 + KILLS)
def test_what_was_acknowledged_outlives_every_kill(tmp_path: Path) -> None:
    """Nothing acknowledged is lost, nothing is there by half, nothing purged is left, and the index is right."""
    places = Places(tmp_path)
    sources = _write_sources(places.sources)
    with chatkeep.open(places.store) as keep:
        for number in range(SHARED_CHATS):
            keep.conversations.create(id=shared_chat(number), title="for all")

    command = [sys.executable, "-m", "tests.faults.kill_run", str(tmp_path), str(KILLS), str(SEED)]
    subprocess.run(command, cwd=ROOT, check=True)

    lives = list(read_lives(places.logs))
    said = f"seed {SEED}"
    assert len(lives) >= KILLS, said
    with chatkeep.open(places.store) as keep:
        verdict = Verdict(keep, lives)
        verdict.judge()
        verdict.imports(sources)
        found = keep.check()
        repaired = keep.check(repair=True)
        after = keep.check()
    verdict.secrets(places.store)
    assert verdict.wrongs == [], said
    # Bytes whose row was never written are the one thing that a kill leaves: repairing takes them away.
    assert {finding.code for finding in found.findings} <= {"attachment-stray"}, (said, found.findings)
    assert repaired.is_clean, said
    assert after.findings == (), said
    assert len(verdict.losses_s) > KILLS / 50, said
    # What is promised holds for a machine that is not overwhelmed, as this one is for moments.
    assert quantiles(verdict.losses_s, n=10)[-1] < MOST_LOST_S, (said, verdict.losses_s)
    assert max(verdict.losses_s) < 4 * MOST_LOST_S, (said, verdict.losses_s)
    for what in ("append", "extend", "rename", "tag", "trash", "restore", "stream", "finish", "import", "purge"):
        assert verdict.acknowledged[what] > 0, f"{said}: too slow to have tested {what}"
