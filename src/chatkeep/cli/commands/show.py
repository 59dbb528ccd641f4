"""``chatkeep show``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation

if TYPE_CHECKING:
    from chatkeep.cli.transcript import Block
    from chatkeep.keep import Keep
    from chatkeep.model import Message


@command("show")
@click.argument("id")
@click.option("--all-branches", is_flag=True, help="Every message in order of arrival, not only the thread shown.")
@click.option("--full", is_flag=True, help="All of thinking, tool calls and tool results, and hidden messages.")
@click.option("--raw", is_flag=True, help="Text as it was written: Markdown is not rendered, nothing is paged.")
@click.pass_obj
def show(invocation: Invocation, *, id: str, all_branches: bool, full: bool, raw: bool) -> None:
    """Show one conversation.

    ID is a conversation's id, the id that it has in the app it came from, or a beginning or end of its id that fits
    no other.
    """
    with invocation.reading() as keep:
        id = keep.conversations.resolve(id)
        if invocation.json:
            _emit(invocation, keep, id, all_branches=all_branches)
            return
        messages = _every_message(keep, id) if all_branches else iter(keep.messages.thread(id))
        _print(invocation, _blocks(keep, id, messages, full=full), raw=raw)


def _emit(invocation: Invocation, keep: Keep, id: str, *, all_branches: bool) -> None:
    from chatkeep.cli import picking, shapes

    conversation = keep.conversations.get(id)
    messages = _every_message(keep, id) if all_branches else keep.messages.thread(id)
    names = picking.project_names(keep, [conversation.project_id])
    invocation.emit(
        {
            "conversation": shapes.conversation(conversation, names),
            "messages": [shapes.message(message) for message in messages],
        }
    )


def _every_message(keep: Keep, id: str) -> Iterator[Message]:
    cursor = None
    while True:
        page = keep.messages.list(id, limit=1000, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _blocks(keep: Keep, id: str, messages: Iterator[Message], *, full: bool) -> Iterator[Block]:
    from chatkeep.cli import picking
    from chatkeep.cli.transcript import heading, message_blocks

    conversation = keep.conversations.get(id)
    names = picking.project_names(keep, [conversation.project_id])
    project = names.get(conversation.project_id or "")
    branches = len(keep.conversations.branches(id))
    return chain(heading(conversation, project, branches=branches), message_blocks(messages, full=full, hidden=full))


def _print(invocation: Invocation, blocks: Iterator[Block], *, raw: bool) -> None:
    from chatkeep.cli.transcript import plain

    if not invocation.is_for_people:
        for piece in plain(blocks):
            invocation.write(piece)
        return
    from chatkeep.cli.transcript_drawing import drawn, page

    pieces = drawn(blocks, invocation.console, raw=raw)
    if raw:
        for piece in pieces:
            invocation.write(piece)
    else:
        page(pieces)
