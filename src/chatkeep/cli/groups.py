"""Click's classes with what all our commands share: options that stand anywhere, lazy loading, help."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from chatkeep.cli.invocation import Invocation

Section = tuple[str, tuple[tuple[str, str, str], ...]]
"""A heading, and the commands below it: name, ``module:attribute``, one line of help."""


def _set(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    invocation = context.find_root().ensure_object(Invocation)
    match parameter.name:
        case "home" if value == "":
            # An unset variable of a script would otherwise put the chats wherever the script happens to run.
            raise click.BadParameter("it names no directory", context, parameter)
        case "home" if value is not None:
            try:
                invocation.home = Path(value).expanduser().absolute()
            except RuntimeError as error:
                raise click.BadParameter(f"no home directory is known for {value!r}", context, parameter) from error
        case "json":
            invocation.json |= value
        case "quiet":
            invocation.quiet |= value
        case "verbose":
            invocation.verbosity += value


# Eager: whether errors are told as JSON must be known before other options are judged.
SHARED_OPTIONS: tuple[click.Option, ...] = (
    click.Option(
        ["--home"],
        metavar="DIR",
        type=click.Path(file_okay=False),
        callback=_set,
        expose_value=False,
        is_eager=True,
        help="Work on the chats in this directory.",
    ),
    click.Option(
        ["--json"], is_flag=True, callback=_set, expose_value=False, is_eager=True, help="Print JSON, also for errors."
    ),
    click.Option(
        ["-q", "--quiet"], is_flag=True, callback=_set, expose_value=False, is_eager=True, help="Say only what must be."
    ),
    click.Option(
        ["-v", "--verbose"],
        count=True,
        metavar="",
        callback=_set,
        expose_value=False,
        is_eager=True,
        help="Say more; -vv says all.",
    ),
)

CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _shared(attributes: dict[str, Any]) -> dict[str, Any]:
    return attributes | {
        "params": [*(attributes.get("params") or ()), *SHARED_OPTIONS],
        "context_settings": CONTEXT_SETTINGS | (attributes.get("context_settings") or {}),
    }


class Command(click.Command):
    """A command that takes the shared options too, and draws its help with rich on a terminal."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **_shared(attributes))

    def get_help(self, ctx: click.Context) -> str:
        return _drawn_help(self, ctx) or super().get_help(ctx)


class Group(click.Group):
    """A family of commands in one module, e.g. ``trash``."""

    command_class = Command

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **_shared(attributes))

    def get_help(self, ctx: click.Context) -> str:
        return _drawn_help(self, ctx) or super().get_help(ctx)


class LazyGroup(Group):
    """A group that imports the module of a command only when that command is asked for."""

    def __init__(self, *args: Any, sections: Sequence[Section], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.sections = sections
        self.places: Mapping[str, str] = {name: place for _, rows in sections for name, place, _ in rows}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in self.places:
            module, _, attribute = self.places[cmd_name].partition(":")
            self.commands[cmd_name] = getattr(import_module(module), attribute)
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # Click suggests only commands that are loaded, which none are.
            raise click.UsageError(_unknown(str(args[0]), list(self.places)), ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, rows in self.sections:
            with formatter.section(heading):
                formatter.write_dl([(name, line) for name, _, line in rows])


def _unknown(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"no command {name!r}" + (f": did you mean {' or '.join(near)}?" if near else ": see chatkeep --help")


def _drawn_help(command: click.Command, ctx: click.Context) -> str | None:
    if not sys.stdout.isatty():
        return None
    from chatkeep.cli.rich_help import drawn_help

    return drawn_help(command, ctx)


def command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], Command]:
    """Decorate a function as a command; its docstring is the help. ``cls`` is Command or a subclass."""
    return click.command(name, **({"cls": Command} | attributes))
