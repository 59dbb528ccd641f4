"""STYLE, names: a module is named for what a reader looks for."""

from __future__ import annotations

from pathlib import PurePath

from tests.style.tree import REPO, python_files

NAMELESS = {"common", "core", "helper", "helpers", "misc", "util", "utils"}


def nameless_parts(path: PurePath) -> list[str]:
    """The folders and the module of a path whose name says nothing, alone or as one of its words."""
    names = [*path.parent.parts, path.stem]
    return [name for name in names if NAMELESS & set(name.lower().split("_"))]


def test_every_module_says_what_is_in_it() -> None:
    files = python_files("src", "tests", "benchmarks", "scripts")

    assert {str(file): found for file in files if (found := nameless_parts(file.relative_to(REPO)))} == {}


def test_nameless_modules_and_packages_are_found() -> None:
    assert nameless_parts(PurePath("src/chatkeep/utils.py")) == ["utils"]
    assert nameless_parts(PurePath("src/chatkeep/core/rows.py")) == ["core"]
    assert nameless_parts(PurePath("src/chatkeep/policy_helpers.py")) == ["policy_helpers"]
    assert nameless_parts(PurePath("src/chatkeep/score.py")) == []
