"""``chatkeep rename``."""

from __future__ import annotations

import click

from chatkeep.cli.commands.marks import tell
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.errors import UsageError


@command("rename")
@click.argument("id")
@click.argument("title", nargs=-1)
@click.option("--clear", is_flag=True, help="Take the title away: the first question stands in for it.")
@click.pass_obj
def rename(invocation: Invocation, *, id: str, title: tuple[str, ...], clear: bool) -> None:
    """Give a conversation another title.

    Later imports of the same conversation leave the title alone.
    """
    wanted = " ".join(title).strip()
    if clear == bool(title) or not (clear or wanted):
        raise UsageError("name one of two: a title, or --clear to take it away")
    with invocation.existing() as keep:
        changed = keep.conversations.rename(keep.conversations.resolve(id), wanted or None)
        tell(invocation, keep, [changed], "renamed")
