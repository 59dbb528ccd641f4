"""A bar on stderr for long work; nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import clean_line, counted

if TYPE_CHECKING:
    from chatkeep.services.importing import Progress


@contextmanager
def import_progress(invocation: Invocation, name: str) -> Iterator[Callable[[Progress], None] | None]:
    """What to hand to an import: a listener that draws how far it is, or None where stderr is no terminal."""
    if invocation.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    console = Console(stderr=True, no_color=None if invocation.settings.color else True)
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(clean_line(name))

        def listen(progress: Progress) -> None:
            counts = f"{counted(progress.conversations, 'conversation')}, {counted(progress.messages, 'message')}"
            bar.update(task, description=clean_line(f"{progress.stage} {name}: {counts}"))

        yield listen
