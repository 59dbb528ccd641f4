"""The files that the style tests read."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PACKAGE = REPO / "src" / "chatkeep"


def python_files(*roots: str) -> list[Path]:
    """Every Python file below these folders of the repository, sorted; a folder that is not there has none."""
    return sorted(file for root in roots for file in (REPO / root).rglob("*.py"))


def label(file: Path) -> str:
    """How a file is named in a complaint: its path in the repository."""
    return file.relative_to(REPO).as_posix()


def parsed(roots: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    """The label and the syntax tree of every Python file below these folders."""
    for file in python_files(*roots):
        yield label(file), ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def is_checkout() -> bool:
    """Whether the files lie in a git checkout, not in an unpacked source archive."""
    return (REPO / ".git").exists()


def tracked_files() -> list[Path]:
    """Every file that git knows and that is still there."""
    # The home directory of a test has no git configuration, so ownership by another user must be allowed here.
    command = ["git", "-c", "safe.directory=*", "-C", str(REPO), "ls-files", "-z"]
    listing = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return [REPO / name for name in listing.split("\0") if name and (REPO / name).is_file()]
