"""The thread of a conversation: what a reader sees of its tree."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatkeep.model import Message


class Thread(msgspec.Struct, frozen=True):
    """The walk from the root to the head, parallel replies, and what lies elsewhere."""

    messages: tuple[Message, ...]
    """Root first; hidden ones too."""
    parallel: dict[str, tuple[Message, ...]]
    """By the id of a message of the thread: the other replies of its set, in their order."""
    leaves: int
    """How many branches the conversation has."""
    elsewhere: int
    """How many messages are in neither."""


def shown_thread(messages: Sequence[Message], head_id: str | None) -> Thread:
    """The thread that ends in ``head_id``; without such a message, in the last one that has no child.

    ``messages`` are in ``seq`` order. A parent that is missing, or comes later (a circle), ends the walk.
    """
    by_id = {message.id: message for message in messages}
    parents = {message.parent_id for message in messages}
    leaves = [message for message in messages if message.id not in parents]
    at = by_id.get(head_id or "") or (leaves[-1] if leaves else None)
    walk: list[Message] = []
    while at is not None:
        walk.append(at)
        above = by_id.get(at.parent_id or "")
        at = above if above is not None and above.seq < at.seq else None
    walk.reverse()
    parallel = _parallel(messages, walk)
    count = len(walk) + sum(len(others) for others in parallel.values())
    return Thread(tuple(walk), parallel, len(leaves), len(messages) - count)


def _parallel(messages: Sequence[Message], walk: Sequence[Message]) -> dict[str, tuple[Message, ...]]:
    wanted = {(message.parent_id, message.reply_set): message.id for message in walk if message.reply_set is not None}
    found: dict[str, list[Message]] = {}
    for message in messages:
        shown = wanted.get((message.parent_id, message.reply_set)) if message.reply_set is not None else None
        if shown is not None and message.id != shown:
            found.setdefault(shown, []).append(message)
    return {id: tuple(sorted(others, key=lambda other: (other.reply_index, other.seq))) for id, others in found.items()}
