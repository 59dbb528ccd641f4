"""A transcript drawn with rich: Markdown rendered, roles coloured. Loaded only for terminals."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import click
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


def drawn(blocks: Iterable[Block], console: Console, *, raw: bool) -> Iterator[str]:
    """The page for a terminal like ``console``'s, piece by piece; ``raw`` leaves Markdown as it was written."""
    for block in blocks:
        with console.capture() as capture:
            _print(block, console, raw=raw)
        yield capture.get()


def _print(block: Block, console: Console, *, raw: bool) -> None:
    if block.kind in ("markdown", "code") and not raw and len(block.text) <= _MAX_RENDERED_CHARS:
        try:
            console.print(_rendered(block))
            return
        except (RecursionError, ValueError, IndexError, KeyError, TypeError, AttributeError):
            pass  # a renderer that stumbles over odd input must not hide the text
    console.print(_as_written(block))


def _rendered(block: Block) -> RenderableType:
    if block.kind == "code":
        return Syntax(block.text, block.note or "text", theme="ansi_dark", word_wrap=True, background_color="default")
    # Links as text: a terminal's hyperlink would hide where it leads.
    return Padding(Markdown(block.text, hyperlinks=False, code_theme="ansi_dark"), (0, 0, 1, 0))


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
