"""``chatkeep version``."""

from __future__ import annotations

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation


def own_version() -> str:
    """The installed version; ``unknown`` when Chatkeep runs from a bare source tree."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("chatkeep")
    except PackageNotFoundError:
        return "unknown"


@command("version")
@click.pass_obj
def version(invocation: Invocation) -> None:
    """Say which versions are at work."""
    import platform

    import apsw

    versions = {
        "chatkeep": own_version(),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "apsw": apsw.apsw_version(),
        "platform": platform.platform(),
    }
    if invocation.json:
        invocation.emit(versions)
        return
    for name, value in versions.items():
        invocation.write(f"{name:<9} {value}\n")
