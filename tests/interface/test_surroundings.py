"""What the program does to its surroundings: no network, and no content in log files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interface.child import Child, chatkeep_process
from tests.unit.formats.chatgpt_samples import conversation, node, packed, picture

# Runs the command line with every socket call forbidden, and threads' and processes' too.
NO_SOCKETS = """
import socket, sys
def refuse(*_, **__):
    raise SystemExit("a socket was used")
for name in ("connect", "connect_ex", "bind", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.gethostbyname = refuse
sys.argv = ["chatkeep", *sys.argv[1:]]
from chatkeep.cli import main
main()
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    chats = [
        conversation(
            "c1", node("m1", None, "How much water?"), node("m2", "m1", "325 g", role="assistant"), title="Bread"
        ),
        conversation("c2", node("n1", None, picture("https://files.example.org/pot.png")), title="Pot"),
    ]
    return packed(tmp_path / "export.zip", {"conversations.json": chats})


def _run_alone(*arguments: str | Path) -> Child:
    """In a network namespace with nothing in it where that is allowed; else with Python's sockets forbidden."""
    unshare = ("unshare", "--net", "--map-root-user")
    if shutil.which("unshare") and subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode == 0:
        return chatkeep_process(*arguments, before=unshare)
    command = [sys.executable, "-c", NO_SOCKETS, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return Child(done.returncode, done.stdout, done.stderr, 0)


def test_every_command_works_without_a_network(export: Path, tmp_path: Path) -> None:
    """Nothing is looked up, fetched or told; links in chats stay links."""
    home = ("--home", tmp_path / "keep")

    def run(*arguments: str | Path) -> Child:
        done = _run_alone(*arguments, *home)
        assert done.code == 0, done
        return done

    run("import", export)
    [row] = run("list", "--json", "--limit", "1").json["conversations"]
    for command in (
        ["list"],
        ["show", row["id"]],
        ["search", "water"],
        ["stats"],
        ["formats"],
        ["check"],
        ["doctor"],
        ["where"],
        ["rename", row["id"], "Other"],
        ["tag", row["id"], "kitchen"],
        ["delete", row["id"]],
        ["trash", "restore", row["id"]],
        ["export", "--all", "--to", "markdown", "-o", tmp_path / "out"],
        ["export", "--all", "--to", "chatkeep", "-o", tmp_path / "out.jsonl"],
        ["purge", row["id"], "--yes"],
    ):
        run(*command)


def test_sockets_are_really_forbidden() -> None:
    """The test above must be able to fail where there is no ``unshare``."""
    code = NO_SOCKETS.partition("sys.argv =")[0] + "socket.create_connection(('localhost', 1))"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr.strip()) == (1, "a socket was used")


MARKER = "Heliotropgeheimnis"
KEY = f"sk-{MARKER}-0123456789abcdef0123456789abcdef"


def test_log_files_hold_no_content_and_no_secrets(tmp_path: Path) -> None:
    """At the most talkative level, of good and bad records, in texts, titles, names, ids, keys and broken JSON."""
    chats: list[object] = [
        conversation(f"id-{MARKER}", node(f"m-{MARKER}", None, f"text {KEY}"), title=MARKER),
        conversation("c2", node("n1", None, picture(f"file-service://{MARKER}")), **{MARKER: MARKER}),
        conversation("c3", node("x", f"y-{MARKER}", "an orphan"), title=f"{MARKER} of orphans"),
        {"id": "c4", "mapping": MARKER},
        [MARKER],
        MARKER,
    ]
    archive = packed(
        tmp_path / "a.zip", {"conversations.json": chats, f"../{MARKER}.txt": MARKER, f"{MARKER}.png": "x"}
    )
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(chats)[:-40] + f'{{"{MARKER}":{MARKER}')
    settings = {"apiKeys": [{"id": "k", "name": MARKER, "value": KEY}], "conversations": [], "interactions": []}
    lite = tmp_path / "lite.json"
    lite.write_text(json.dumps({"version": 1, "exportedAt": "2026-01-01T00:00:00Z", **settings}))
    logs, home = tmp_path / "logs", tmp_path / "keep"
    talk = {"LOG_LEVEL": "debug", "LOG_DIR": str(logs)}

    for command in (
        ["import", archive, broken, lite],
        ["import", archive],
        ["search", MARKER],
        ["rename", f"id-{MARKER}", MARKER],
        ["tag", f"id-{MARKER}", MARKER],
        ["show", f"no-{MARKER}"],
        ["export", "--query", MARKER, "--to", "markdown", "-o", tmp_path / "out"],
        ["export", "--query", MARKER, "--to", "markdown", "-o", tmp_path / "out"],
        ["check"],
        ["purge", f"id-{MARKER}", "--yes"],
    ):
        chatkeep_process(*command, "--home", home, "-vv", env=talk)

    written = [path for path in logs.rglob("*") if path.is_file()]
    text = "".join(path.read_text("utf-8", "replace") for path in written)
    # The second export: it failed, so the log has something to tell.
    assert "formats.destination-exists" in text
    assert MARKER not in text
