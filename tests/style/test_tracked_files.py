"""What is committed works anywhere: lock files name no index, and no file names a place on somebody's machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.style.tree import REPO, is_checkout, label, tracked_files

pytestmark = pytest.mark.skipif(not is_checkout(), reason="only a git checkout knows which files are committed")

_INDEX_OPTION = re.compile(r"^\s*(?:--|-[if]\b)(?!hash\b)")
_ADDRESS = re.compile(r"[a-z+]+://|\b(?:file|git\+ssh):|@ +\S")
_LOCK_NAME = re.compile(r"(?:^|[-_.])lock(?:\.|$)|^requirements")

# Read before a fixture moves it away.
_REAL_HOME = Path.home()


def lock_file_faults(name: str, text: str) -> list[str]:
    """A complaint for each line of a lock file that says where packages come from; the hashes say what they are."""
    return [
        f"{name}:{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if _INDEX_OPTION.search(line) or _ADDRESS.search(line)
    ]


def private_places(repo: Path, home: Path) -> re.Pattern[bytes]:
    """Matches this checkout, this person's home, and where containers keep theirs."""
    # Assembled, so that this file does not match itself.
    names = {str(repo), str(home), *(f"/{name}" for name in ("root", "work"))} - {"/", ""}
    choices = "|".join(re.escape(name) for name in sorted(names))
    return re.compile(rf"(?<![\w.~*/-])(?:{choices})[/\\]".encode())


def place_faults(name: str, content: bytes, places: re.Pattern[bytes]) -> list[str]:
    """A complaint for each line that names a private place."""
    return [
        f"{name}:{number}: {match[0].decode()}"
        for number, line in enumerate(content.splitlines(), start=1)
        if (match := places.search(line))
    ]


def test_lock_files_name_no_index() -> None:
    locks = [file for file in tracked_files() if _LOCK_NAME.search(file.name)]

    assert {"requirements.lock", "requirements-dev.lock"} <= {file.name for file in locks}
    assert [fault for file in locks for fault in lock_file_faults(label(file), file.read_text("utf-8"))] == []


def test_lock_files_hash_every_package() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        requirements = (REPO / name).read_text("utf-8").replace("\\\n", " ").splitlines()
        pinned = [line for line in requirements if line and not line.lstrip().startswith("#")]
        assert pinned
        assert [line for line in pinned if "==" not in line or "--hash=sha256:" not in line] == []


def test_there_is_one_kind_of_lock_file() -> None:
    assert [label(file) for file in tracked_files() if file.name == "uv.lock"] == []


def test_no_file_names_a_place_on_this_machine() -> None:
    places = private_places(REPO, _REAL_HOME)

    assert [fault for file in tracked_files() for fault in place_faults(label(file), file.read_bytes(), places)] == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple",
        "--find-links ./wheels",
        "-i https://packages.example/simple",
        "rich @ file:///tmp/rich.whl",
        "#    uv pip compile --index-url https://packages.example/simple",
    ],
)
def test_a_lock_file_that_names_a_source_is_found(line: str) -> None:
    good = "rich==15.0.0 \\\n    --hash=sha256:00\n    # via\n    #   -r requirements.in\n"

    assert lock_file_faults("a.lock", good) == []
    assert lock_file_faults("a.lock", good + line) == [f"a.lock:5: {line}"]


def test_a_private_place_is_found() -> None:
    places = private_places(Path("/srv/ada/chatkeep"), Path("/home/ada"))
    work = f"{os.sep}work{os.sep}"

    assert place_faults("a.md", b"one\nsee /home/ada/notes", places) == ["a.md:2: /home/ada/"]
    assert place_faults("a.md", b"'/srv/ada/chatkeep/src'", places) == ["a.md:1: /srv/ada/chatkeep/"]
    assert place_faults("a.md", f"cd {work}x".encode(), places) == [f"a.md:1: {work}"]
    assert place_faults("a.md", b"/home/adam/ and ~/home/ada/ and docs/work/", places) == []
