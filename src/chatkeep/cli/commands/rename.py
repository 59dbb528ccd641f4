"""``chatkeep rename``."""

from __future__ import annotations

import click

from chatkeep.cli.commands.marks import tell
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation


@command("rename")
@click.argument("id")
@click.argument("title", nargs=-1, required=True)
@click.pass_obj
def rename(invocation: Invocation, *, id: str, title: tuple[str, ...]) -> None:
    """Give a conversation another title.

    Later imports of the same conversation leave the title alone.
    """
    with invocation.existing() as keep:
        changed = keep.conversations.rename(keep.conversations.resolve(id), " ".join(title))
        tell(invocation, keep, [changed], "renamed")
