"""One run of the program: what was asked of all commands alike, and how they talk."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatkeep.cli.terminal import clean, clean_json, encoded_json
from chatkeep.errors import (
    AmbiguousIdError,
    ConfirmationRequiredError,
    NotFoundError,
    StoreMissingError,
    UsageError,
)

if TYPE_CHECKING:
    from rich.console import Console

    from chatkeep.cli.tables import Column
    from chatkeep.instances import Layout
    from chatkeep.keep import Keep
    from chatkeep.settings import Settings


_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36"}


class Invocation:
    """Options that every command takes, and the three ways to say something: data, talk, and questions."""

    def __init__(self) -> None:
        self.home: Path | None = None
        self.json = False
        self.quiet = False
        self.verbosity = 0

    @cached_property
    def settings(self) -> Settings:
        """What the environment says. Raises SettingsError."""
        from chatkeep import settings

        return settings.load(os.environ)

    @cached_property
    def layout(self) -> Layout:
        """The instance to work on: ``--home``, else CHATKEEP_HOME, else the platform's place."""
        from chatkeep.instances import APP_ID, Layout, instance_directory

        return Layout(self.home or self.settings.home or instance_directory(APP_ID))

    # --- data ---

    def emit(self, value: Any) -> None:
        """Print one JSON document to stdout."""
        import msgspec

        text = msgspec.json.format(encoded_json(value), indent=2).decode()
        self.write(clean_json(text) + "\n")

    def write(self, text: str) -> None:
        """Print text to stdout as it is; what came from chats must have been cleaned."""
        sys.stdout.write(text)

    @property
    def is_for_people(self) -> bool:
        """Whether stdout is a terminal and nobody asked for JSON."""
        return not self.json and sys.stdout.isatty()

    @cached_property
    def console(self) -> Console:
        """Rich's console over stdout; loading rich takes tens of milliseconds, so only what draws asks for it."""
        from rich.console import Console

        return Console(no_color=None if self.settings.color else True, highlight=False, markup=False, emoji=False)

    def painted(self, text: str, style: str) -> str:
        """Text in a style for stdout, e.g. ``bold``, ``dim``, ``cyan``, ``bold red``; plain where colour is unwanted.

        Loading rich for this would take longer than most commands.
        """
        if not style or not self.is_for_people or not self.settings.color or os.environ.get("TERM") == "dumb":
            return text
        codes = ";".join(_SGR[word] for word in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Print rows: drawn on a terminal, plain elsewhere. Cells may be hostile."""
        from chatkeep.cli import tables

        if self.is_for_people:
            cells = shutil.get_terminal_size().columns
            self.write(tables.drawn_table(columns, rows, cells=cells, paint=self.painted) + "\n")
        else:
            self.write(tables.plain_table(columns, rows) + "\n")

    # --- talk ---

    def say(self, text: str) -> None:
        """Tell how things go, on a line of stderr, unless ``--quiet``."""
        if not self.quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """The same for what must be known, ``--quiet`` or not."""
        # A title must not pass for a line of ours.
        sys.stderr.write(clean(text).replace("\n", "\u240a") + "\n")

    def confirm(self, question: str, *, yes: bool) -> None:
        """Return if the person agrees to something that cannot be undone.

        Raises:
            ConfirmationRequiredError: Nobody can be asked, and ``--yes`` was not given.
            click.Abort: The answer is no.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            raise ConfirmationRequiredError
        import click

        click.confirm(clean(question), abort=True, err=True)

    # --- the store ---

    @contextmanager
    def reading(self, *, hint: bool = True) -> Iterator[Keep]:
        """The store, to look at: makes none where none is, and opens it read-only where writing is refused.

        ``hint`` says how to begin, if nothing is there.
        """
        import chatkeep
        from chatkeep.errors import NetworkFilesystemError, StorePermissionError, StoreReadOnlyError

        if not self.layout.exists:
            with self._nothing_yet(hint=hint) as keep:
                yield keep
            return
        try:
            keep = chatkeep.open(self.layout.directory)
        except (StoreReadOnlyError, StorePermissionError, NetworkFilesystemError) as error:
            if self.verbosity:
                self.say(f"reading only: {error}")
            keep = chatkeep.open(self.layout.directory, read_only=True)
        with keep, self._logging(read_only=keep.read_only):
            yield keep

    @contextmanager
    def writing(self) -> Iterator[Keep]:
        """The store, to change; made if it is not there."""
        import chatkeep

        with chatkeep.open(self.layout.directory) as keep, self._logging(read_only=False):
            yield keep

    @contextmanager
    def existing(self) -> Iterator[Keep]:
        """The store, to look after; it must be there.

        Raises:
            StoreMissingError: There is no store to look after.
        """
        if not self.layout.exists:
            raise StoreMissingError(f"{self.layout.directory} holds no chats.db: say where it is with --home DIR")
        with self.writing() as keep:
            yield keep

    @contextmanager
    def _nothing_yet(self, *, hint: bool) -> Iterator[Keep]:
        # An empty store elsewhere answers as one here would, and a mistyped --home makes nothing.
        from tempfile import TemporaryDirectory

        import chatkeep

        if hint:
            self.say(f"no chats in {self.layout.directory} yet: bring some in with `chatkeep import`")
        with TemporaryDirectory(prefix="chatkeep-") as place, chatkeep.open(Path(place)) as keep:
            yield keep

    @contextmanager
    def _logging(self, *, read_only: bool) -> Iterator[None]:
        from chatkeep.instances import logs

        handler = logs.start(
            self.layout.directory,
            level=self.settings.log_level,
            log_dir=self.settings.log_dir,
            read_only=read_only,
        )
        try:
            yield
        except Exception as error:
            _log(error)
            raise
        finally:
            logs.stop(handler)


def _log(error: Exception) -> None:
    # What stops a command while it has a store in its hands; wrong usage and missing ids are the person's business.
    import logging

    if not isinstance(error, UsageError | NotFoundError | AmbiguousIdError):
        logging.getLogger("chatkeep.cli").error("the command failed", exc_info=error)
