"""The command line in a process of its own, with what it cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

SOURCES = Path(__file__).parents[2] / "src"


class Child(msgspec.Struct, frozen=True):
    """How a process ended."""

    code: int
    out: str
    err: str
    peak_bytes: int
    """The most memory that it held; 0 where the system does not tell."""

    @property
    def json(self) -> Any:
        """What was printed, decoded."""
        return json.loads(self.out)


def chatkeep_process(
    *arguments: str | Path, before: tuple[str, ...] = (), env: dict[str, str] | None = None, cwd: Path | None = None
) -> Child:
    """Run ``chatkeep`` with these arguments.

    Args:
        arguments: What to type after ``chatkeep``.
        before: A program that runs it, such as ``unshare -n``.
        env: Further environment variables.
        cwd: Where.
    """
    command = [*before, sys.executable, "-m", "chatkeep", *map(str, arguments)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}, cwd=cwd
        )
        code, peak = _waited(process)
        out.seek(0)
        err.seek(0)
        return Child(code, out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace"), peak)


def _waited(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    if not hasattr(os, "wait4"):
        return process.wait(), 0
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux tells kilobytes, macOS bytes.
    return process.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
