"""``chatkeep stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.tables import Column

if TYPE_CHECKING:
    from chatkeep.cli.shapes import Json
    from chatkeep.services.counting import Stats
    from chatkeep.store.statistics import Line


@command("stats")
@click.pass_obj
def stats(invocation: Invocation) -> None:
    """Count conversations, messages, tokens and costs, without the trash.

    Months are those in which messages were written (UTC). A cost is the sum of what is known; unknown is not zero.
    """
    with invocation.reading() as keep:
        found = keep.stats()
    if invocation.json:
        invocation.emit(_shape(found))
    else:
        _write(invocation, found)


def _shape(found: Stats) -> Json:
    from chatkeep.cli import shapes

    return {
        "conversations": found.conversations,
        "messages": found.messages,
        "attachments": found.attachments,
        "projects": found.projects,
        "tags": found.tags,
        "trashed": found.trashed,
        "usage": shapes.usage(found.usage),
        "cost_usd": shapes.dollars(found.cost_nanos),
        "attachment_bytes": found.attachment_bytes,
        "by_source": _lines(found.by_source),
        "by_model": _lines(found.by_model),
        "by_month": _lines(found.by_month),
        "sizes": found.sizes,
    }


def _lines(lines: dict[str, Line]) -> Json:
    from chatkeep.cli import shapes

    return {
        name: {
            "conversations": line.conversations,
            "messages": line.messages,
            "tokens": line.tokens,
            "cost_usd": shapes.dollars(line.cost_nanos),
        }
        for name, line in lines.items()
    }


def _write(invocation: Invocation, found: Stats) -> None:
    counts = (
        ("conversations", f"{found.conversations:,}"),
        ("messages", f"{found.messages:,}"),
        ("attachments", f"{found.attachments:,} ({_size(found.attachment_bytes)})"),
        ("projects", f"{found.projects:,}"),
        ("tags", f"{found.tags:,}"),
        ("in the trash", f"{found.trashed:,}"),
        ("tokens", f"{found.usage.total:,}"),
        ("cost", _cost(found.cost_nanos)),
        ("on disk", _size(sum(found.sizes.values()))),
    )
    for name, value in counts:
        invocation.write(f"{name:<13} {value}\n")
    for heading, lines in (("source", found.by_source), ("model", found.by_model), ("month", found.by_month)):
        if not lines:
            continue
        invocation.write("\n")
        columns = [Column(heading, flexible=True)]
        columns += [Column(title, right=True) for title in ("conversations", "messages", "tokens", "cost")]
        rows = [
            (name, f"{line.conversations:,}", f"{line.messages:,}", f"{line.tokens:,}", _cost(line.cost_nanos))
            for name, line in lines.items()
        ]
        invocation.table(columns, rows)


def _cost(nanos: int | None) -> str:
    return "unknown" if nanos is None else f"${nanos / 1e9:,.2f}"


def _size(size_bytes: int) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:,.1f} {unit}"
    return f"{size_bytes} bytes"
