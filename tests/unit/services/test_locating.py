from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from chatkeep.instances import Platform
from chatkeep.services.locating import known_sources


def found(home: Path, *, platform: Platform = "linux", **environ: str) -> dict[Path, str]:
    sources = known_sources(platform=platform, environ=environ, home=home)
    return {source.path: source.format for source in sources}


def make(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_an_empty_home_holds_nothing(home: Path) -> None:
    assert found(home) == {}
    assert found(home / "not there") == {}


def test_claude_code_sessions_are_found_where_it_keeps_them(home: Path, tmp_path: Path) -> None:
    make(home / ".claude" / "projects" / "-home-ada" / "s.jsonl")
    make(home / ".config" / "claude" / "projects" / "notes.txt")
    make(tmp_path / "elsewhere" / "projects" / "p" / "s.jsonl")

    assert found(home, CLAUDE_CONFIG_DIR=str(tmp_path / "elsewhere")) == {
        tmp_path / "elsewhere": "claude-code",
        home / ".claude": "claude-code",
    }


@pytest.mark.parametrize(
    ("platform", "base"), [("macos", "Library/Application Support"), ("linux", ".local/share"), ("linux", ".config")]
)
@pytest.mark.skipif(os.name != "posix", reason="paths of other systems are not those of this one")
def test_chorus_instances_are_found_on_each_platform(home: Path, platform: Platform, base: str) -> None:
    for name in ("sh.chorus.app", "sh.chorus.app.dev.blue", "sh.chorus.apple", "other"):
        make(home / base / name / "chats.db")
    make(home / base / "sh.chorus.app.qa" / "settings")

    assert found(home, platform=platform) == {
        home / base / "sh.chorus.app": "chorus-app",
        home / base / "sh.chorus.app.dev.blue": "chorus-app",
    }


def test_downloads_are_known_by_their_content(home: Path) -> None:
    downloads = home / "Downloads"
    export: list[object] = [{"mapping": {}, "current_node": None, "title": "x"}]
    make(downloads / "whatever.json", json.dumps(export))
    make(downloads / "conversations.json", '{"recipes": []}')
    make(downloads / "broken.zip", "PK\x03\x04")
    make(downloads / "holiday.jpg", json.dumps(export))

    assert found(home) == {downloads / "whatever.json": "chatgpt"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_a_pipe_among_the_downloads_is_not_waited_for(home: Path) -> None:
    (home / "Downloads").mkdir()
    os.mkfifo(home / "Downloads" / "trap.json")

    assert found(home) == {}
