"""``chatkeep search``."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from chatkeep.cli.groups import Command, command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.moments import local
from chatkeep.cli.terminal import clean_line, counted, shortened

if TYPE_CHECKING:
    from chatkeep.cli.shapes import Json
    from chatkeep.store.search import Hit, SearchResult


class _Search(Command):
    """Says how to leave a word out, where one with a minus was taken for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = "to leave a word out, put the query in quotes, or -- before it: chatkeep search -- tea -green"
            raise click.UsageError(f"{error.format_message()}\n{hint}", ctx=ctx) from error


@command("search", cls=_Search)
@click.argument("query", nargs=-1, required=True)
@click.option("--newest", is_flag=True, help="The latest first, instead of the best.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--cursor", metavar="CURSOR", help="Go on where an earlier search ended.")
@click.option("--wait", is_flag=True, help="Let the index catch up wholly first.")
@click.pass_obj
def search(
    invocation: Invocation, *, query: tuple[str, ...], newest: bool, limit: int, cursor: str | None, wait: bool
) -> None:
    """Find messages and titles.

    QUERY is words, "phrases", -not, OR, prefix*, and filters such as role:user, model:, project:, tag:, source:,
    before:2025-03, after:, has:attachment, in:title. Put a query with a minus in quotes.
    """
    from chatkeep.cli import picking

    with invocation.reading() as keep:
        result = keep.search(" ".join(query), newest=newest, limit=limit, cursor=cursor, wait=wait)
        names = picking.project_names(keep, (hit.project_id for hit in result.hits)) if invocation.json else {}
    if invocation.json:
        invocation.emit(_shape(result, names))
        return
    _write(invocation, result.hits)
    if result.behind:
        invocation.say(f"the index has {counted(result.behind, 'change')} to catch up with: --wait waits for it")
    if result.ranked_window:
        invocation.say(f"there are very many: the newest {result.ranked_window:,} were ranked")
    elif result.ranked_window == 0:
        invocation.say("these words are too common to rank: the latest come first")
    if result.next:
        invocation.say(f"there are more: repeat this with --cursor {result.next}")


def _shape(result: SearchResult, projects: dict[str, str]) -> Json:
    from chatkeep.model import to_iso

    return {
        "query": result.query,
        "hits": [
            {
                "conversation_id": hit.conversation_id,
                "message_id": hit.message_id,
                "title": hit.title,
                "role": hit.role,
                "model": hit.model,
                "source": hit.source,
                "project": projects.get(hit.project_id or ""),
                "created_at": to_iso(hit.created_at),
                "snippet": hit.snippet,
                "marks": [list(mark) for mark in hit.marks],
                "score": hit.score,
            }
            for hit in result.hits
        ],
        "behind": result.behind,
        "ranked_window": result.ranked_window,
        "next": result.next,
    }


def _write(invocation: Invocation, hits: Sequence[Hit]) -> None:
    if not hits:
        invocation.say("nothing found")
    elif invocation.is_for_people:
        _draw(invocation, hits)
    else:
        for hit in hits:
            title = clean_line(hit.title or "(no title)")
            invocation.write(f"{hit.conversation_id}  {_facts(hit)}  {title}\n")
            invocation.write(f"    {clean_line(hit.snippet)}\n")


def _facts(hit: Hit) -> str:
    return clean_line(f"{local(hit.created_at)}  {hit.role or 'title'}")


def _draw(invocation: Invocation, hits: Sequence[Hit]) -> None:
    from chatkeep.cli.commands.list_chats import SHORT_ID

    cells = shutil.get_terminal_size().columns
    for hit in hits:
        facts = f"{hit.conversation_id[-SHORT_ID:]}  {_facts(hit)}  "
        title = shortened(clean_line(hit.title or "(no title)"), max(12, cells - len(facts)))
        invocation.write(f"{invocation.painted(facts, 'dim')}{invocation.painted(title, 'bold')}\n")
        invocation.write(f"    {_marked(invocation, hit)}\n")


def _marked(invocation: Invocation, hit: Hit) -> str:
    """The snippet with its marks drawn; each stretch is cleaned alone, so that marks stay in place."""
    pieces, at = [], 0
    for start, end in hit.marks:
        pieces.append(_stretch(hit.snippet[at:start]))
        pieces.append(invocation.painted(_stretch(hit.snippet[start:end]), "bold yellow"))
        at = end
    return "".join([*pieces, _stretch(hit.snippet[at:])])


def _stretch(text: str) -> str:
    cleaned = clean_line(text)
    before = " " if text[:1].isspace() else ""
    after = " " if cleaned and text[-1:].isspace() else ""
    return f"{before}{cleaned}{after}"
