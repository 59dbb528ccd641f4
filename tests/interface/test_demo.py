"""``make demo`` works, and the examples that it shows are read whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.interface.conftest import Run
from tests.style.tree import REPO

EXAMPLES = REPO / "examples" / "chats"


@pytest.mark.parametrize(
    ("folder", "format", "conversations", "attachments"),
    [
        ("chatgpt", "chatgpt", 2, 1),
        ("claude", "claude", 2, 1),
        ("claude-code", "claude-code", 1, 0),
        ("litechat", "litechat", 1, 0),
    ],
)
def test_every_example_is_read_whole(cli: Run, folder: str, format: str, conversations: int, attachments: int) -> None:
    totals = cli("import", EXAMPLES / folder, "--json").json["totals"]

    assert totals["format"] == format
    assert totals["conversations"]["added"] == conversations
    assert totals["attachments"] == {"added": attachments, "missing": 0}
    assert totals["skipped"] == []


def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    line = [sys.executable, str(REPO / "scripts" / "demo.py"), "--home", str(tmp_path / "keep")]

    ran = subprocess.run(line, capture_output=True, text=True, encoding="utf-8", timeout=100, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "A name for the bakery" in ran.stdout
    assert "all is well" in ran.stderr
    assert (tmp_path / "keep" / "chats.db").is_file()
