"""``chatkeep delete``."""

from __future__ import annotations

import click

from chatkeep.cli.commands.marks import tell
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation


@command("delete")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def delete(invocation: Invocation, *, ids: tuple[str, ...]) -> None:
    """Move conversations to the trash.

    They can be taken back with `chatkeep trash restore`.
    """
    from chatkeep.cli import picking

    with invocation.existing() as keep:
        found = picking.conversation_ids(keep, ids)
        for id in found:
            keep.conversations.delete(id)
        tell(invocation, keep, [keep.conversations.get(id) for id in found], "moved to the trash")
