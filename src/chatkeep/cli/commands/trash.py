"""``chatkeep trash``."""

from __future__ import annotations

from datetime import timedelta

import click

from chatkeep.cli.commands.marks import tell
from chatkeep.cli.groups import Group
from chatkeep.cli.invocation import Invocation


@click.group("trash", cls=Group)
def trash() -> None:
    """List, restore and empty the trash."""


@trash.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--cursor", metavar="CURSOR", help="Go on where an earlier list ended.")
@click.pass_context
def list_trash(context: click.Context, *, limit: int, cursor: str | None) -> None:
    """List what is in the trash, the latest first."""
    from chatkeep.cli.commands.list_chats import list_chats

    context.invoke(list_chats, trash=True, limit=limit, cursor=cursor)


@trash.command("restore")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def restore(invocation: Invocation, *, ids: tuple[str, ...]) -> None:
    """Take conversations back from the trash."""
    from chatkeep.cli import picking

    with invocation.existing() as keep:
        changed = [keep.conversations.restore(id) for id in picking.conversation_ids(keep, ids)]
        tell(invocation, keep, changed, "restored")


@trash.command("empty")
@click.option("--older-than", metavar="DAYS", type=click.IntRange(0, 36_500), help="Only what is there for longer.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def empty(invocation: Invocation, *, older_than: int | None, yes: bool) -> None:
    """Remove what is in the trash for ever."""
    from chatkeep.cli.commands.purge import tell_purged
    from chatkeep.model import utc_now

    with invocation.existing() as keep:
        what = "everything in the trash" if older_than is None else f"what is in the trash for over {older_than} days"
        invocation.confirm(f"Remove {what} for ever?", yes=yes)
        before = None if older_than is None else utc_now() - timedelta(days=older_than)
        report = keep.conversations.empty_trash(older_than=before)
    tell_purged(invocation, report)
