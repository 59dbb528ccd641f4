"""``make demo``: Chatkeep at work on invented chats, through its real command line, in a directory that is thrown away.

``--home DIR`` keeps the chats there instead, to go on playing with.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import apsw

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "chats"


def main() -> int:
    """Run the demonstration; 0 if every command did what it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="keep the chats in this directory")
    home = parser.parse_args().home
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chatkeep-demo-") as scratch:
        demo = Demo(home or Path(scratch, "keep"), Path(scratch))
        demonstrate(demo, make_sources(Path(scratch)), Path(scratch, "export"))
    print(f"\nDone in {time.monotonic() - began:.1f} s.", end=" ")
    print(f"The chats are in {home}." if home else "Nothing is left of it; --home DIR keeps it.")
    return 0


class Demo:
    """Shows commands and runs them."""

    def __init__(self, home: Path, scratch: Path) -> None:
        # A pager would wait for a key; without a cache of its own, each command might compile the program anew.
        ours = {"CHATKEEP_HOME": str(home), "PAGER": "cat", "PYTHONPYCACHEPREFIX": str(scratch / "compiled")}
        self._environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | ours

    def say(self, text: str) -> None:
        """A line between commands."""
        print(f"\n# {text}", flush=True)

    def run(self, *arguments: str) -> None:
        """Show a command, run it, show what it prints."""
        shown = " ".join(f"'{word}'" if " " in word or '"' in word else word for word in arguments)
        print(f"\n$ chatkeep {shown}", flush=True)
        self._call(arguments, capture=False)

    def ask(self, *arguments: str) -> dict[str, object]:
        """What a command answers as JSON, not shown."""
        answer = json.loads(self._call((*arguments, "--json"), capture=True))
        assert isinstance(answer, dict)
        return answer

    def _call(self, arguments: tuple[str, ...], *, capture: bool) -> str:
        line = [sys.executable, "-m", "chatkeep", *arguments]
        ran = subprocess.run(
            line, env=self._environ, stdout=subprocess.PIPE if capture else None, text=True, check=False
        )
        if ran.returncode:
            raise SystemExit(f"demo: this failed with exit code {ran.returncode}: chatkeep {' '.join(arguments)}")
        return ran.stdout or ""


def make_sources(scratch: Path) -> list[str]:
    """The examples in the form in which people have them: a zip, folders, a database."""
    archive = scratch / "chatgpt-export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted((EXAMPLES / "chatgpt").iterdir()):
            zipped.write(path, path.name)
    instance = scratch / "sh.chorus.app"
    instance.mkdir()
    connection = apsw.Connection(str(instance / "chats.db"))
    connection.execute((EXAMPLES / "chorus" / "chats.sql").read_text("utf-8"))
    connection.close()
    folders = [EXAMPLES / "claude", EXAMPLES / "claude-code" / "projects", EXAMPLES / "litechat"]
    return [str(path) for path in (archive, *folders, instance)]


def demonstrate(demo: Demo, sources: list[str], target: Path) -> None:
    """The tour."""
    demo.say("Chats of five apps come into one place. What they are is recognised.")
    demo.run("import", *sources)
    demo.say("Here they are, the latest first.")
    demo.run("list")
    demo.say("Full-text search, in any script, also inside thinking and tool calls.")
    demo.run("search", "moss")
    demo.run("search", "茶")
    tea = found(demo, "in:title tea")
    demo.say("A conversation with a picture, a tool call and a branch.")
    demo.run("show", tea)
    demo.run("branch", "list", tea)
    demo.say("Keep it in order; importing again adds nothing, and leaves your title alone.")
    demo.run("rename", tea, "Tea and toast")
    demo.run("tag", tea, "tea", "kitchen")
    demo.run("import", sources[0])
    demo.run("list", "--tag", "tea")
    demo.say("And out again, in a format that anyone can read.")
    demo.run("export", tea, "--to", "markdown", "-o", str(target / "tea.md"))
    print((target / "tea.md").read_text("utf-8")[:600])
    demo.say("What is there, and is it sound?")
    demo.run("stats")
    demo.run("check")


def found(demo: Demo, query: str) -> str:
    """The conversation that a query finds first."""
    hits = demo.ask("search", query)["hits"]
    assert isinstance(hits, list)
    return str(hits[0]["conversation_id"])


if __name__ == "__main__":
    sys.exit(main())
