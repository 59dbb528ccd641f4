"""The command line: parses, calls one service, renders. ``docs/cli.md`` is its manual.

Nothing is imported here: a command pays only for what it uses.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the program on ``sys.argv`` and leave with its exit code."""
    import sys

    from chatkeep.cli.entry import run

    sys.exit(run(sys.argv[1:]))
