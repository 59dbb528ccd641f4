"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import chatkeep
from chatkeep.cli.commands.list_chats import SHORT_ID
from chatkeep.cli.entry import run
from tests.docs.documents import ROOT, blocks


def test_the_session_in_python_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("README.md", "python")
    (printed,) = blocks("README.md", "text")

    exec(compile(code, "README.md", "exec"), {})

    assert capsys.readouterr().out == printed


def test_the_session_on_the_command_line_uses_real_commands() -> None:
    (session,) = blocks("README.md", "console")

    for line in session.splitlines():
        command = line.removeprefix("$ chatkeep ").split()[0]
        assert run([command, "--help"]) == 0, line


def test_show_takes_an_ending_as_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The session shows an ending of the length that a terminal's list prints, and such an ending works."""
    (session,) = blocks("README.md", "console")
    (ending,) = re.findall(r"chatkeep show (\w+)", session)
    monkeypatch.setenv("CHATKEEP_HOME", str(tmp_path / "keep"))
    with chatkeep.open(tmp_path / "keep") as keep:
        ids = [keep.conversations.create(title=title).id for title in ("Tea", "Bread")]

    assert len(ending) == SHORT_ID
    assert run(["show", ids[0][-len(ending) :]]) == 0
    assert "Tea" in capsys.readouterr().out


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md"))],
)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (path.parent / link).exists(), f"{document} links to {link}"


def test_make_targets_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
