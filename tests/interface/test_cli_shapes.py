"""Every command with ``--json``: what it prints has the keys that docs/cli.md shows, no more and no fewer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_cli_page import COMMANDS, section
from tests.interface.conftest import Run

Ids = dict[str, str]

# Objects whose keys are data: names of sources, models, months, files, or whatever an app said.
_OPEN = {"by_source", "by_model", "by_month", "sizes", "settings", "extra", "parts"}

LINES: dict[str, list[str]] = {
    "chatkeep import": ["import", "{export}"],
    "chatkeep export": ["export", "{bread}", "--to", "markdown", "-o", "{output}"],
    "chatkeep formats": ["formats"],
    "chatkeep list": ["list"],
    "chatkeep show": ["show", "{bread}"],
    "chatkeep search": ["search", "flour"],
    "chatkeep branch list": ["branch", "list", "{bread}"],
    "chatkeep branch switch": ["branch", "switch", "{bread}", "{first}"],
    "chatkeep stats": ["stats"],
    "chatkeep rename": ["rename", "{bread}", "Loaf"],
    "chatkeep pin": ["pin", "{bread}"],
    "chatkeep unpin": ["unpin", "{bread}"],
    "chatkeep archive": ["archive", "{bread}"],
    "chatkeep unarchive": ["unarchive", "{bread}"],
    "chatkeep tag": ["tag", "{bread}", "x"],
    "chatkeep untag": ["untag", "{bread}", "x"],
    "chatkeep tags": ["tags"],
    "chatkeep move": ["move", "{bread}", "--none"],
    "chatkeep projects list": ["projects", "list"],
    "chatkeep projects create": ["projects", "create", "New"],
    "chatkeep projects rename": ["projects", "rename", "Kitchen", "Cellar"],
    "chatkeep projects delete": ["projects", "delete", "Kitchen", "--yes"],
    "chatkeep delete": ["delete", "{bread}"],
    "chatkeep trash list": ["trash", "list"],
    "chatkeep trash restore": ["trash", "restore", "{bread}"],
    "chatkeep trash empty": ["trash", "empty", "--yes"],
    "chatkeep purge": ["purge", "{bread}", "--yes"],
    "chatkeep check": ["check"],
    "chatkeep doctor": ["doctor"],
    "chatkeep where": ["where"],
    "chatkeep version": ["version"],
    "chatkeep completion": ["completion", "bash"],
}

# Commands whose page says in words that they print what another one does.
_LIKE = {
    "chatkeep trash list": "chatkeep list",
    "chatkeep purge": "chatkeep trash empty",
    **dict.fromkeys(
        (
            f"chatkeep {name}"
            for name in ["rename", "pin", "unpin", "archive", "unarchive", "tag", "untag", "move", "delete"]
        ),
        "conversations",
    ),
    "chatkeep trash restore": "conversations",
    "chatkeep branch switch": "conversations",
    **dict.fromkeys((f"chatkeep projects {name}" for name in ("create", "rename", "delete")), "project"),
    "chatkeep completion": "completion",
}


def documented(path: str) -> Any:
    like = _LIKE.get(path, path)
    if like == "completion":
        return {"shell": "", "script": ""}
    if like == "conversations":
        return {"conversations": [documented("chatkeep show")["conversation"]]}
    if like == "project":
        return {"project": documented("chatkeep projects list")["projects"][0]}
    example = re.search(r"^```json\n(.*?)^```", section(like), re.MULTILINE | re.DOTALL)
    assert example, f"docs/cli.md shows no JSON of {like}"
    return json.loads(example[1])


def differences(printed: Any, shown: Any, where: str) -> list[str]:
    """Where keys, or kinds of values, differ; empty lists and objects of either side agree with all."""
    if isinstance(printed, dict) and isinstance(shown, dict):
        if not shown or not printed or where.rpartition(".")[2] in _OPEN:
            return []
        found = [f"{where}.{key} is in one of them only" for key in printed.keys() ^ shown.keys()]
        for key in printed.keys() & shown.keys():
            found += differences(printed[key], shown[key], f"{where}.{key}")
        return found
    if isinstance(printed, list) and isinstance(shown, list):
        if not printed or not shown or where.rpartition(".")[2] in _OPEN:
            return []
        return [line for item in printed for line in differences(item, shown[0], where)]
    if printed is None or shown is None or (isinstance(printed, int | float) and isinstance(shown, int | float)):
        return []
    return [] if type(printed) is type(shown) else [f"{where}: {type(printed).__name__}, not {type(shown).__name__}"]


@pytest.mark.parametrize("path", LINES)
def test_every_command_prints_the_json_that_is_documented(cli: Run, ids: Ids, tmp_path: Path, path: str) -> None:
    names = {**ids, "export": str(tmp_path / "export"), "output": str(tmp_path / "bread.md")}
    if path == "chatkeep import":
        cli("export", "--all", "--to", "chatkeep", "-o", names["export"])
    if path in ("chatkeep trash list", "chatkeep trash restore", "chatkeep trash empty"):
        cli("delete", ids["bread"])

    printed = cli(*(word.format(**names) for word in LINES[path]), "--json").json

    assert differences(printed, documented(path), "") == []


def test_no_command_is_left_out() -> None:
    groups = {"chatkeep branch", "chatkeep trash", "chatkeep projects"}
    assert set(LINES) == {path for path, _ in COMMANDS} - groups


def test_differences_are_found() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1}, "") == [".b is in one of them only"]
    assert differences({"a": ["x"]}, {"a": [1]}, "") == [".a: str, not int"]
    assert differences({"a": None, "l": []}, {"a": "x", "l": [1]}, "") == []
