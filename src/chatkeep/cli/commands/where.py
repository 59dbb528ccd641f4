"""``chatkeep where``."""

from __future__ import annotations

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import clean_line
from chatkeep.errors import InstanceError


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
    exists = _exists(invocation)
    if invocation.json:
        invocation.emit(places | {"exists": exists})
        return
    for name, place in places.items():
        invocation.write(f"{name:<13} {clean_line(place)}\n")
    if exists is False:
        invocation.say("nothing is there yet: `chatkeep import` makes it")


def _exists(invocation: Invocation) -> bool | None:
    """Whether a store is there; None, and a warning, if the system does not let us look."""
    try:
        return invocation.layout.exists
    except InstanceError as error:
        invocation.warn(str(error))
        return None
