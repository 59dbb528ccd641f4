"""The command line on a real (pseudo) terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")

Ids = dict[str, str]


def on_a_terminal(place: Path, *arguments: str, typed: bytes = b"", **environ: str) -> tuple[int, str]:
    """Run a command with all of its streams on a terminal; its exit code and what was on the screen."""
    ours, theirs = pty.openpty()
    surroundings = (
        os.environ | {"CHATKEEP_HOME": str(place), "PAGER": "cat", "TERM": "xterm", "COLUMNS": "100"} | environ
    )
    line = [sys.executable, "-m", "chatkeep", *arguments]
    with subprocess.Popen(line, env=surroundings, stdin=theirs, stdout=theirs, stderr=theirs) as started:
        os.close(theirs)
        if typed:
            os.write(ours, typed)
        screen = b""
        try:
            while piece := os.read(ours, 65536):
                screen += piece
        except OSError:
            pass  # the other end is closed
    os.close(ours)
    return started.returncode, screen.decode().replace("\r\n", "\n")


def test_lists_are_drawn_with_short_ids_and_colours(place: Path, ids: Ids) -> None:
    code, screen = on_a_terminal(place, "list")

    assert code == 0
    assert ids["bread"] not in screen
    assert f"\x1b[2m{ids['bread'][-8:]}\x1b[0m" in screen
    assert "\x1b]" not in screen
    assert "\x1b[2J" not in screen


def test_no_color_is_respected(place: Path, ids: Ids) -> None:
    for arguments in (("list",), ("search", "flour"), ("doctor",)):
        code, screen = on_a_terminal(place, *arguments, NO_COLOR="1")
        assert code == 0
        assert "\x1b" not in screen


def test_a_conversation_is_rendered_and_paged(place: Path, ids: Ids) -> None:
    code, screen = on_a_terminal(place, "show", ids["bread"])

    assert code == 0
    assert "How much water for 500 g of flour?" in screen
    assert "Bread ratio" in screen


def test_help_is_drawn(place: Path) -> None:
    code, screen = on_a_terminal(place, "--help")

    assert code == 0
    assert "─" in screen
    assert "Look after" in screen


@pytest.mark.parametrize(("typed", "code", "left"), [(b"n\n", 130, 2), (b"y\n", 0, 1)])
def test_what_cannot_be_undone_asks(place: Path, ids: Ids, typed: bytes, code: int, left: int) -> None:
    ended, screen = on_a_terminal(place, "purge", ids["bread"], typed=typed)

    assert ended == code
    assert "for ever?" in screen
    _, listed = on_a_terminal(place, "list")
    assert listed.count("\n") - 1 == left


def test_a_long_import_shows_its_progress(place: Path, ids: Ids, tmp_path: Path) -> None:
    target = tmp_path / "all.jsonl"
    on_a_terminal(place, "export", "--all", "--to", "chatkeep", "-o", str(target))

    code, screen = on_a_terminal(tmp_path / "other", "import", str(target))

    assert code == 0
    assert "conversations 2 added" in screen
