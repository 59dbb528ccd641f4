"""Putting a source's messages in an order in which parents come before their children."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatkeep.formats.protocol import Skipped, SourceMessage


class Ordered(msgspec.Struct, frozen=True):
    """``messages`` in order, each with the parent that it really has (by source id, None at a root)."""

    messages: list[SourceMessage]
    parents: list[str | None]
    problems: list[Skipped]
    """What was left out."""
    notes: list[Skipped]
    """What is there, but not where its source has it."""


def in_order(messages: Sequence[SourceMessage], where: str) -> Ordered:
    """Order messages as their source has them, but no child before its parent.

    A message with an id that came before is left out; one whose parent is missing becomes a root; a cycle is cut at
    its first message. Each is reported. Linear in the number of messages, without recursion.
    """
    ids: set[str] = set()
    for message in messages:
        if message.parent_id is not None and message.parent_id not in ids:
            return _sorted(messages, where)
        if message.source_id in ids:
            return _sorted(messages, where)
        ids.add(message.source_id)
    return Ordered(list(messages), [message.parent_id for message in messages], [], [])


def _sorted(messages: Sequence[SourceMessage], where: str) -> Ordered:
    problems: list[Skipped] = []
    notes: list[Skipped] = []
    unique: dict[str, SourceMessage] = {}
    for message in messages:
        if message.source_id in unique:
            problems.append(Skipped(f"{where} message {_short(message.source_id)}", "its id occurs twice: left out"))
        else:
            unique[message.source_id] = message
    parents: dict[str, str | None] = {}
    for id, message in unique.items():
        parent_id = message.parent_id
        if parent_id is not None and parent_id not in unique:
            notes.append(Skipped(f"{where} message {_short(id)}", "its parent is missing: kept as a root"))
            parent_id = None
        parents[id] = parent_id
    order: dict[str, None] = {}
    waiting: dict[str, list[str]] = {}
    for id in unique:
        parent_id = parents[id]
        if parent_id is not None and parent_id not in order:
            waiting.setdefault(parent_id, []).append(id)
        else:
            _emit(id, order, waiting)
    for id in unique:
        if id not in order:
            notes.append(Skipped(f"{where} message {_short(id)}", "its parents form a cycle: cut here"))
            parents[id] = None
            _emit(id, order, waiting)
    return Ordered([unique[id] for id in order], [parents[id] for id in order], problems, notes)


def _emit(id: str, order: dict[str, None], waiting: dict[str, list[str]]) -> None:
    """Emit a message, and those that the source has before it although it is their parent."""
    ready = [id]
    while ready:
        next_id = ready.pop()
        if next_id not in order:
            order[next_id] = None
            ready.extend(reversed(waiting.pop(next_id, [])))


def _short(id: str) -> str:
    return id[:40]
