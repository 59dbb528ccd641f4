"""The command line, run in this process: faster than a process of its own, and the same from its first line on."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import chatkeep
from chatkeep.cli.entry import run
from chatkeep.keep import Keep


class Ran(msgspec.Struct, frozen=True):
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, decoded."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that was told as JSON."""
        found = json.loads(self.err.strip().splitlines()[-1])["error"]
        assert isinstance(found, dict)
        return found


Run = Callable[..., Ran]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An instance directory that does not exist yet."""
    return tmp_path / "keep"


@pytest.fixture
def cli(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line on the test's own instance."""

    def call(*arguments: str | Path, stdin: bytes = b"", code: int | None = 0) -> Ran:
        monkeypatch.setenv("CHATKEEP_HOME", str(place))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        ended = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert code is None or ended == code, f"exit code {ended}: {printed.err}"
        return Ran(ended, printed.out, printed.err)

    return call


@pytest.fixture
def keep(place: Path) -> Any:
    """The test's own instance, opened by the library."""
    with chatkeep.open(place) as opened:
        yield opened


def fill(keep: Keep) -> dict[str, str]:
    """Two conversations: one with a branch, a tool and a project; one that is hostile. Their ids by name."""
    project = keep.projects.create("Kitchen")
    bread = keep.conversations.create(title="Bread ratio", project_id=project.id, tags=["baking"])
    asked = keep.messages.append(bread.id, "user", "How much water for 500 g of flour?")
    first = keep.messages.append(bread.id, "assistant", "About **325 g**.", model="o3", cost_nanos=12_000_000)
    keep.messages.append(bread.id, "assistant", "Between 300 and 350 g.", parent_id=asked.id, model="sonnet")
    call = chatkeep.ToolCall(id="c1", name="scales", input={"grams": 325})
    result = chatkeep.ToolResult(call_id="c1", name="scales", output="\n".join(f"line {n}" for n in range(20)))
    last = keep.messages.append(bread.id, "assistant", (call, result), model="sonnet")
    odd = keep.conversations.create(title="\x1b]0;owned\x07[red]odd[/red]")
    keep.messages.append(odd.id, "user", "before \x1b[2J\x9b1m after \u202egpj.exe")
    return {"bread": bread.id, "odd": odd.id, "project": project.id, "first": first.id, "last": last.id}


@pytest.fixture
def ids(place: Path) -> dict[str, str]:
    """An instance with :func:`fill` in it."""
    with chatkeep.open(place) as opened:
        return fill(opened)
