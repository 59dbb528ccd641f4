"""``chatkeep pin``, ``unpin``, ``archive`` and ``unarchive``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from chatkeep.cli.groups import Command, command
from chatkeep.cli.invocation import Invocation

if TYPE_CHECKING:
    from chatkeep.keep import Keep
    from chatkeep.model import Conversation


def tell(invocation: Invocation, keep: Keep, changed: Sequence[Conversation], verb: str) -> None:
    """Say which conversations were changed; with ``--json``, print them."""
    if not invocation.json:
        for conversation in changed:
            invocation.say(f"{verb}: {conversation.title or conversation.preview or conversation.id}")
        return
    from chatkeep.cli import picking, shapes

    names = picking.project_names(keep, (conversation.project_id for conversation in changed))
    invocation.emit({"conversations": [shapes.conversation(conversation, names) for conversation in changed]})


def _marking(name: str, help: str, verb: str, change: Callable[[Keep, str], Conversation]) -> Command:
    @command(name, help=help)
    @click.argument("ids", metavar="ID...", nargs=-1, required=True)
    @click.pass_obj
    def mark(invocation: Invocation, *, ids: tuple[str, ...]) -> None:
        from chatkeep.cli import picking

        with invocation.existing() as keep:
            changed = [change(keep, id) for id in picking.conversation_ids(keep, ids)]
            tell(invocation, keep, changed, verb)

    return mark


pin = _marking("pin", "Pin conversations.", "pinned", lambda keep, id: keep.conversations.pin(id))
unpin = _marking("unpin", "Unpin conversations.", "unpinned", lambda keep, id: keep.conversations.unpin(id))
archive = _marking(
    "archive",
    "Put conversations into the archive.\n\n"
    "Lists leave them out unless told --archived or --all; searches still find them.",
    "archived",
    lambda keep, id: keep.conversations.archive(id),
)
unarchive = _marking(
    "unarchive",
    "Take conversations out of the archive.",
    "taken out of the archive",
    lambda keep, id: keep.conversations.unarchive(id),
)
