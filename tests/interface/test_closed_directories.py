"""A store that lies where nothing can be written: a mounted backup, a disc, somebody else's directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatkeep
from tests.interface.child import Child, chatkeep_process
from tests.interface.conftest import fill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's mount and users")

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
KILLED = """
import os, signal, sys
from pathlib import Path
import chatkeep
keep = chatkeep.open(Path(sys.argv[1]))
keep.messages.append(sys.argv[2], "user", "said before the kill: saffron")
os.kill(os.getpid(), signal.SIGKILL)
"""


class Closed:
    """A store that cannot be written, and how to run a command on it."""

    def __init__(self, home: Path, before: tuple[str, ...]) -> None:
        self.home = home
        self._before = before

    def run(self, *arguments: str | Path) -> Child:
        done = chatkeep_process(*arguments, "--home", self.home, before=self._before, env={"HOME": "/nonexistent"})
        assert "Traceback" not in done.err
        return done


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that every user can reach, which pytest's own is not."""
    place = Path(tempfile.mkdtemp(prefix="chatkeep-closed-"))
    place.chmod(0o755)
    yield place
    subprocess.run(["umount", str(place / "seen")], check=False, capture_output=True)
    for path in (place, *place.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(place)


@pytest.fixture(params=["clean", "killed", "no index"])
def made(request: pytest.FixtureRequest, outside: Path) -> tuple[Path, dict[str, str]]:
    """A store as a clean end, a killed process or a restored backup leaves it; the ids in it."""
    home = outside / "keep"
    with chatkeep.open(home) as keep:
        ids = fill(keep)
        keep.search("water", wait=True)
    if request.param == "killed":
        subprocess.run([sys.executable, "-c", KILLED, str(home), ids["odd"]], check=False)
        assert (home / "chats.db-wal").stat().st_size
    if request.param == "no index":
        for path in home.glob("search.db*"):
            path.unlink()
    return home, {**ids, "state": request.param}


def _by_mount(home: Path) -> Closed:
    seen = home.with_name("seen")
    seen.mkdir()
    for step in (["--bind", str(home), str(seen)], ["-o", "remount,ro,bind", str(seen)]):
        if (
            shutil.which("mount") is None
            or subprocess.run(["mount", *step], check=False, capture_output=True).returncode
        ):
            pytest.skip("mounting is not allowed here")
    with pytest.raises(OSError, match="Read-only"):
        (seen / "x").touch()
    return Closed(seen, ())


def _by_permissions(home: Path) -> Closed:
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() != 0:
        return Closed(home, ())
    can_import = [*NOBODY, sys.executable, "-c", "import chatkeep.keep"]
    if shutil.which("setpriv") is None or subprocess.run(can_import, check=False, capture_output=True).returncode:
        pytest.skip("cannot become another user here, or that user cannot read this checkout")
    return Closed(home, NOBODY)


@pytest.mark.parametrize("close", [_by_mount, _by_permissions])
def test_everything_can_be_read_and_nothing_is_written(made: tuple[Path, dict[str, str]], close: object) -> None:
    home, ids = made
    before = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in home.rglob("*")}
    closed = close(home)  # type: ignore[operator]  # one of the two above
    exports = Path(tempfile.mkdtemp(prefix="chatkeep-out-", dir=home.parent))
    exports.chmod(0o777)

    listed = closed.run("list", "--json")
    assert (listed.code, listed.err) == (0, "")
    assert {row["id"] for row in listed.json["conversations"]} == {ids["bread"], ids["odd"]}
    assert "About **325 g**." in closed.run("show", ids["bread"], "--all-branches", "--raw").out
    assert [hit["conversation_id"] for hit in closed.run("search", "flour", "--json").json["hits"]] == [ids["bread"]]
    found = closed.run("search", "saffron", "--json").json
    assert len(found["hits"]) == (ids["state"] == "killed")
    assert closed.run("stats", "--json").json["conversations"] == 2
    assert closed.run("export", "--all", "--to", "chatkeep", "-o", exports / "out.jsonl").code == 0
    for command in (["rename", ids["bread"], "x"], ["import", exports / "out.jsonl"], ["purge", ids["bread"], "--yes"]):
        refused = closed.run(*command)
        assert refused.code == 33, refused
    assert {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in home.rglob("*")} == before

    with chatkeep.open(home.parent / "copy") as copy:
        assert copy.import_from(exports / "out.jsonl").conversations.added == 2
