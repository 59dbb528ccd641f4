"""``chatkeep where``."""

from __future__ import annotations

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import clean_line


@command("where")
@click.pass_obj
def where(invocation: Invocation) -> None:
    """Say where the chats are.

    Nothing is made or opened: the places are named whether they exist or not.
    """
    layout = invocation.layout
    places = {
        "directory": str(layout.directory),
        "store": str(layout.chats_db),
        "search_index": str(layout.search_db),
        "logs": str(invocation.settings.log_dir or layout.logs),
    }
    if invocation.json:
        invocation.emit(places | {"exists": layout.exists})
        return
    for name, place in places.items():
        invocation.write(f"{name:<13} {clean_line(place)}\n")
    if not layout.exists:
        invocation.say("nothing is there yet: `chatkeep import` makes it")
