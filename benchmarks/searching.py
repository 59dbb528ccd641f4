"""Searching many messages: :mod:`benchmarks.search`, as one part of the whole."""

from __future__ import annotations

import contextlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import search
from benchmarks.results import Section


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    messages: int
    words: int = 200
    per_class: int = 60
    slow_peer: int = 12


FULL = Sizes(messages=1_000_000)
QUICK = Sizes(messages=20_000, per_class=20, slow_peer=8)


def run(place: Path, sizes: Sizes) -> Section:
    """Measure in a directory."""
    printed = io.StringIO()
    with tempfile.TemporaryDirectory(dir=place) as folder, contextlib.redirect_stdout(printed):
        search.run(
            Path(folder),
            messages=sizes.messages,
            words=sizes.words,
            per_class=sizes.per_class,
            slow_peer=sizes.slow_peer,
        )
    return Section(
        f"search: top {search.TOP} of {sizes.messages:,} messages",
        f"Messages of about {sizes.words} words; beside FTS5 over the same texts in one file, ordered by its own rank.",
        tables=[printed.getvalue().strip()],
    )
