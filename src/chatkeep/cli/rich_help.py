"""Help pages drawn with rich-click; loaded only when help goes to a terminal."""

from __future__ import annotations

from typing import Any

import click
from rich_click import RichCommand, RichContext, RichGroup
from rich_click.rich_panel import RichCommandPanel

from chatkeep.cli.groups import LazyGroup

_STYLE = {
    "max_width": 100,
    "show_arguments": False,
    "style_options_panel_border": "dim",
    "style_commands_panel_border": "dim",
    "commands_before_options": True,
}


def drawn_help(command: click.Command, context: click.Context) -> str:
    """The help page of a command, in the colours that the terminal takes."""
    facts: dict[str, Any] = {
        "name": command.name,
        "params": [parameter for parameter in command.params if not _is_hidden(parameter)],
        "help": command.help,
        "epilog": command.epilog,
        "context_settings": command.context_settings,
    }
    double = _group(command, context, facts) if isinstance(command, click.Group) else RichCommand(**facts)
    return double.get_help(RichContext(double, info_name=context.command_path, rich_help_config=_STYLE))


def _is_hidden(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.hidden


def _group(group: click.Group, context: click.Context, facts: dict[str, Any]) -> RichGroup:
    """A double with stand-ins for the commands: their one line of help is known without loading them."""
    if isinstance(group, LazyGroup):
        sections = [(heading, [(name, line) for name, _, line in rows]) for heading, rows in group.sections]
    else:
        commands = [(name, group.get_command(context, name)) for name in group.list_commands(context)]
        sections = [("Commands", [(name, found.get_short_help_str(200)) for name, found in commands if found])]
    return RichGroup(
        commands=[RichCommand(name=name, short_help=line, help=line) for _, rows in sections for name, line in rows],
        panels=[RichCommandPanel(heading, commands=[name for name, _ in rows]) for heading, rows in sections],
        **facts,
    )
