"""``chatkeep purge``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import counted

if TYPE_CHECKING:
    from chatkeep.services.purging import PurgeReport


@command("purge")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def purge(invocation: Invocation, *, ids: tuple[str, ...], yes: bool) -> None:
    """Remove conversations for ever.

    No byte of them stays in the store, and later imports leave them out unless told `--include-purged`.
    """
    from chatkeep.cli import picking

    with invocation.existing() as keep:
        found = picking.conversation_ids(keep, ids)
        titles = ", ".join(repr(keep.conversations.get(id).title or id) for id in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        invocation.confirm(f"Remove {titles}{more} for ever?", yes=yes)
        report = keep.conversations.purge(*found)
    tell_purged(invocation, report)


def tell_purged(invocation: Invocation, report: PurgeReport) -> None:
    """Say what a purge removed."""
    counts = {"conversations": report.conversations, "messages": report.messages, "blobs": report.blobs}
    if invocation.json:
        invocation.emit({"purged": counts})
    else:
        told = ", ".join(counted(count, what.removesuffix("s")) for what, count in counts.items())
        invocation.say(f"removed for ever: {told}")
