"""A transcript drawn with rich: Markdown rendered, roles coloured. Loaded only for terminals."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

import click
from markdown_it import MarkdownIt
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from chatkeep.cli.transcript import Block

_ROLE_STYLES = {"user": "bold cyan", "assistant": "bold green", "tool": "bold yellow", "error": "bold red"}
# Markdown and highlighting cost far more than linear time on odd input; what is longer is shown as it was written.
_MAX_RENDERED_CHARS = 100_000
# Markup itself goes away when it is rendered, and so do definitions of links; text must not.
_MIN_SHOWN = 0.8
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


def drawn(blocks: Iterable[Block], console: Console, *, raw: bool) -> Iterator[str]:
    """The page for a terminal like ``console``'s, piece by piece; ``raw`` leaves Markdown as it was written."""
    for block in blocks:
        piece = None
        if block.kind in ("markdown", "code") and not raw and len(block.text) <= _MAX_RENDERED_CHARS:
            piece = _rendered(block, console)
        yield piece or _printed(_as_written(block), console)


def _printed(renderable: RenderableType, console: Console) -> str:
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def _rendered(block: Block, console: Console) -> str | None:
    """The block rendered; None if the renderer stumbles over odd input, or loses what was written."""
    try:
        piece = _printed(_renderable(block), console)
    except (RecursionError, ValueError, IndexError, KeyError, TypeError, AttributeError):
        return None
    shown = sum(map(str.isalnum, _COLOURS.sub("", piece)))
    return piece if shown >= _MIN_SHOWN * sum(map(str.isalnum, block.text)) and not piece.isspace() else None


def _renderable(block: Block) -> RenderableType:
    if block.kind == "code":
        return Syntax(block.text, block.note or "text", theme="ansi_dark", word_wrap=True, background_color="default")
    # Links as text: a terminal's hyperlink would hide where it leads.
    markdown = Markdown(block.text, hyperlinks=False, code_theme="ansi_dark")
    # Rich's own parser takes HTML for markup and drops it; in a chat it is what somebody wrote about.
    markdown.parsed = _parser.parse(block.text)
    return Padding(markdown, (0, 0, 1, 0))


def _as_written(block: Block) -> RenderableType:
    match block.kind:
        case "title":
            return Text(block.text, style="bold")
        case "facts":
            return Text(block.text.replace("\n", " · "), style="dim")
        case "role":
            return Padding(
                Rule(Text(block.text, style=_ROLE_STYLES.get(block.note, "bold")), align="left", style="dim"),
                (1, 0, 0, 0),
            )
        case "folded" | "aside":
            return Padding(Text(block.text, style="dim italic"), (0, 0, 1, 2))
        case _:
            return Text(block.text + "\n")


def page(pieces: Iterator[str]) -> None:
    """Print through the person's pager; what fits on the screen is not held back."""
    # As git does: quit if it fits, pass colours on (and no other sequences), leave the text on the screen.
    os.environ.setdefault("LESS", "FRX")
    click.echo_via_pager(pieces, color=True)
