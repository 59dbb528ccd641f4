"""``chatkeep list``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.moments import Moment, local
from chatkeep.cli.tables import Column
from chatkeep.errors import UsageError

if TYPE_CHECKING:
    from chatkeep.model import ConversationSummary

SHORT_ID = 8
"""So many characters from an id's end tell it from others in practice; beginnings are shared by rows born together."""


@command("list")
@click.option("--project", metavar="NAME", help="Only those of this project (name or id).")
@click.option("--source", metavar="FORMAT", help="Only those imported from this format.")
@click.option("--model", metavar="NAME", help="Only those in which this model speaks.")
@click.option("--tag", metavar="NAME", help="Only those with this tag.")
@click.option("--since", type=Moment(), metavar="TIME", help="Only those of this time or later.")
@click.option("--until", type=Moment(end=True), metavar="TIME", help="Only those of this time or earlier.")
@click.option("--trash", is_flag=True, help="Those in the trash instead.")
@click.option("--pinned", is_flag=True, help="Only pinned ones.")
@click.option("--archived", is_flag=True, help="Only archived ones, which are left out otherwise.")
@click.option("--all", "everything", is_flag=True, help="Archived ones, too.")
@click.option("--order", type=click.Choice(["updated", "created"]), default="updated", help="Which time counts.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--cursor", metavar="CURSOR", help="Go on where an earlier list ended.")
@click.pass_obj
def list_chats(
    invocation: Invocation,
    /,
    *,
    project: str | None,
    trash: bool,
    pinned: bool,
    archived: bool,
    everything: bool,
    **filters: Any,
) -> None:
    """List conversations, the latest first.

    TIME is a year, month or day (2025, 2025-03, 2025-03-01; UTC), a full time (2025-03-01T12:00:00Z), today,
    yesterday, or an age such as 12h, 7d, 2w, 3m, 1y.
    """
    from chatkeep.cli import picking, shapes

    if archived and everything:
        raise UsageError("--archived and --all do not go together")
    with invocation.reading() as keep:
        page = keep.conversations.list(
            project=picking.project(keep, project).id if project else None,
            trashed=trash,
            pinned=True if pinned else None,
            archived=None if everything or trash else archived,
            **filters,
        )
        names = picking.project_names(keep, (row.project_id for row in page.items))
    if invocation.json:
        invocation.emit({"conversations": [shapes.summary(row, names) for row in page.items], "next": page.next})
        return
    write_rows(invocation, page.items, names, trash=trash)
    if page.next:
        invocation.say(f"there are more: repeat this with --cursor {page.next}")


_COLUMNS = (
    Column("id", style="dim"),
    Column("updated", style="cyan"),
    Column("trashed", style="cyan"),
    Column("title", flexible=True),
    Column("source", style="green", spare=3),
    Column("project", style="magenta", spare=4),
    Column("messages", right=True, spare=1),
    Column("cost", right=True, spare=2),
)


def write_rows(
    invocation: Invocation, rows: Sequence[ConversationSummary], projects: dict[str, str], *, trash: bool
) -> None:
    """A table of conversations, with the time of trashing if they are of the trash.

    Short ids and local times on a terminal, whole ids and UTC elsewhere.
    """
    if not rows:
        invocation.say("none")
        return
    short = invocation.is_for_people
    columns = [column for column in _COLUMNS if column.title != "trashed" or trash]
    table = [
        (
            row.id[-SHORT_ID:] if short else row.id,
            _when(row.updated_at, short=short),
            *([_when(row.trashed_at, short=short)] if trash else []),
            _title(row),
            row.source or "",
            projects.get(row.project_id or "", ""),
            str(row.message_count),
            "" if row.cost_nanos is None else f"${row.cost_nanos / 1e9:.2f}",
        )
        for row in rows
    ]
    invocation.table(columns, table)


def _when(moment: datetime | None, *, short: bool) -> str:
    from chatkeep.model import to_iso

    if moment is None:
        return ""
    return local(moment) if short else to_iso(moment.replace(microsecond=0))


def _title(row: ConversationSummary) -> str:
    marks = ("★ " if row.pinned else "") + ("[archived] " if row.archived else "")
    tags = "".join(f" #{tag}" for tag in row.tags)
    return f"{marks}{row.title or row.preview or '(no title)'}{tags}"
