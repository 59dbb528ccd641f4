"""``chatkeep branch``."""

from __future__ import annotations

import click

from chatkeep.cli.commands.marks import tell
from chatkeep.cli.groups import Group
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.moments import local
from chatkeep.cli.tables import Column


@click.group("branch", cls=Group)
def branch() -> None:
    """List and switch the branches of a conversation."""


@branch.command("list")
@click.argument("id")
@click.pass_obj
def list_branches(invocation: Invocation, *, id: str) -> None:
    """List the branches of a conversation, the latest first. A star marks the one being shown."""
    from chatkeep.model import to_iso

    with invocation.reading() as keep:
        id = keep.conversations.resolve(id)
        found = keep.conversations.branches(id)
    if invocation.json:
        rows = [
            {
                "message_id": each.leaf_id,
                "message_count": each.message_count,
                "created_at": to_iso(each.created_at),
                "preview": each.preview,
                "shown": each.is_head,
            }
            for each in found
        ]
        invocation.emit({"conversation_id": id, "branches": rows})
        return
    columns = (
        Column(" "),
        Column("message", style="dim"),
        Column("messages", right=True),
        Column("time", style="cyan"),
        Column("preview", flexible=True),
    )
    invocation.table(
        columns,
        [
            ("*" if each.is_head else "", each.leaf_id, str(each.message_count), local(each.created_at), each.preview)
            for each in found
        ],
    )


@branch.command("switch")
@click.argument("id")
@click.argument("message")
@click.pass_obj
def switch(invocation: Invocation, *, id: str, message: str) -> None:
    """Show the branch of a conversation that a message is on.

    MESSAGE is a message's id, or a beginning or end of it that fits no other in the conversation.
    """
    from chatkeep.cli import picking

    with invocation.existing() as keep:
        id = keep.conversations.resolve(id)
        changed = keep.conversations.switch(id, picking.message_id(keep, id, message))
        tell(invocation, keep, [changed], "switched")
