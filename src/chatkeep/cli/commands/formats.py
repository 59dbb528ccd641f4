"""``chatkeep formats``."""

from __future__ import annotations

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.tables import Column


@command("formats")
@click.pass_obj
def formats(invocation: Invocation) -> None:
    """List the formats that can be read and written."""
    from chatkeep.formats.registry import BUILTIN, WRITERS

    read = {adapter.name: adapter.title for adapter in BUILTIN}
    written = {writer.name: writer.title for writer in WRITERS}
    rows = [
        {"name": name, "title": read.get(name) or written[name], "read": name in read, "write": name in written}
        for name in sorted(read | written)
    ]
    if invocation.json:
        invocation.emit({"formats": rows})
        return
    columns = (Column("name", style="bold"), Column("title", flexible=True), Column("read"), Column("write"))
    invocation.table(
        columns,
        [
            (str(row["name"]), str(row["title"]), "yes" if row["read"] else "", "yes" if row["write"] else "")
            for row in rows
        ],
    )
