"""``chatkeep tag``, ``untag`` and ``tags``."""

from __future__ import annotations

import click

from chatkeep.cli.commands.marks import tell
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.tables import Column


@command("tag")
@click.argument("id")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.pass_obj
def tag(invocation: Invocation, *, id: str, names: tuple[str, ...]) -> None:
    """Put tags on a conversation. New ones are made."""
    with invocation.existing() as keep:
        changed = keep.conversations.tag(keep.conversations.resolve(id), *names)
        tell(invocation, keep, [changed], "tagged")


@command("untag")
@click.argument("id")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.pass_obj
def untag(invocation: Invocation, *, id: str, names: tuple[str, ...]) -> None:
    """Take tags off a conversation."""
    with invocation.existing() as keep:
        changed = keep.conversations.untag(keep.conversations.resolve(id), *names)
        tell(invocation, keep, [changed], "untagged")


@command("tags")
@click.pass_obj
def tags(invocation: Invocation) -> None:
    """List all tags, with how many conversations carry each."""
    with invocation.reading() as keep:
        found = keep.tags.list()
    if invocation.json:
        invocation.emit({"tags": [{"name": each.name, "count": each.count} for each in found]})
    elif found:
        columns = (Column("tag", flexible=True), Column("conversations", right=True))
        invocation.table(columns, [(each.name, str(each.count)) for each in found])
    else:
        invocation.say("none")
