"""``chatkeep export``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli.completing import writable_formats
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import counted
from chatkeep.errors import UsageError

if TYPE_CHECKING:
    from chatkeep.formats.protocol import Written
    from chatkeep.keep import Keep

_SHOWN_LEFT_OUT = 20


@command("export")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every conversation outside the trash.")
@click.option("--query", metavar="QUERY", help="Every conversation that a search finds.")
@click.option(
    "--to",
    "format",
    metavar="FORMAT",
    required=True,
    shell_complete=writable_formats,
    help="What to write: see `chatkeep formats`.",
)
@click.option(
    "-o", "--output", metavar="PATH", required=True, help="The file or folder to make; - for standard output."
)
@click.pass_obj
def export_chats(
    invocation: Invocation,
    *,
    ids: tuple[str, ...],
    everything: bool,
    query: str | None,
    format: str,
    output: str,
) -> None:
    """Write chats out in a chosen format.

    Nothing that exists is overwritten. What a format has no place for is reported as left out.
    """
    from chatkeep.cli import picking

    if bool(ids) + everything + (query is not None) != 1:
        raise UsageError("say which: either IDs, --all or --query")
    with invocation.reading() as keep:
        chosen: Iterable[str] | None = picking.conversation_ids(keep, ids)
        if everything:
            chosen = None
        elif query is not None:
            chosen = list(dict.fromkeys(_matching(keep, query)))
        if output == "-":
            _to_stdout(invocation, keep, chosen, format)
            return
        written = keep.export(chosen, to=format, destination=picking.path(output))
    if invocation.json:
        invocation.emit(_shape(written))
    else:
        _say(invocation, written)


def _matching(keep: Keep, query: str) -> Iterator[str]:
    cursor = None
    while True:
        result = keep.search(query, newest=True, limit=1000, cursor=cursor, wait=True)
        yield from (hit.conversation_id for hit in result.hits)
        cursor = result.next
        if cursor is None:
            return


def _to_stdout(invocation: Invocation, keep: Keep, ids: Iterable[str] | None, format: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="chatkeep-export-") as folder:
        written = keep.export(
            ids, to=format, destination=Path(folder, "export.md" if format == "markdown" else "export")
        )
        if len(written.files) != 1 or not written.files[0].is_file():
            raise UsageError("this makes several files, which standard output cannot take: name a folder with -o")
        with written.files[0].open("rb") as stream:
            sys.stdout.flush()
            shutil.copyfileobj(stream, sys.stdout.buffer, 1 << 20)
            sys.stdout.buffer.flush()
    _say_left_out(invocation, written)


def _shape(written: Written) -> dict[str, object]:
    return {
        "conversations": written.conversations,
        "messages": written.messages,
        "attachments": written.attachments,
        "missing_attachments": written.missing_attachments,
        "files": [str(path) for path in written.files],
        "left_out": [{"where": each.where, "reason": each.reason} for each in written.left_out],
    }


def _say(invocation: Invocation, written: Written) -> None:
    place = written.files[0] if len(written.files) == 1 else counted(len(written.files), "file")
    missing = f" ({written.missing_attachments:,} more are missing)" if written.missing_attachments else ""
    invocation.say(
        f"wrote {counted(written.conversations, 'conversation')}, {counted(written.messages, 'message')} and"
        f" {counted(written.attachments, 'attachment')}{missing} to {place}"
    )
    _say_left_out(invocation, written)


def _say_left_out(invocation: Invocation, written: Written) -> None:
    for each in written.left_out[:_SHOWN_LEFT_OUT]:
        invocation.say(f"left out: {each.where}: {each.reason}")
    if len(written.left_out) > _SHOWN_LEFT_OUT:
        invocation.say(f"left out: {len(written.left_out) - _SHOWN_LEFT_OUT:,} more: --json lists them")
