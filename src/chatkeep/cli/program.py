"""The program's commands: where each one lies, in the order of the help."""

from __future__ import annotations

import click

from chatkeep.cli.groups import LazyGroup, Section


def _rows(*rows: tuple[str, str, str]) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, f"chatkeep.cli.commands.{place}", line) for name, place, line in rows)


SECTIONS: tuple[Section, ...] = (
    (
        "Chats in and out",
        _rows(
            ("import", "import_chats:import_chats", "Bring chats in from files and folders of other apps."),
            ("export", "export_chats:export_chats", "Write chats out in a chosen format."),
            ("formats", "formats:formats", "List the formats that can be read and written."),
        ),
    ),
    (
        "Look",
        _rows(
            ("list", "list_chats:list_chats", "List conversations, the latest first."),
            ("show", "show:show", "Show one conversation."),
            ("search", "search:search", "Find messages and titles."),
            ("branch", "branch:branch", "List and switch the branches of a conversation."),
            ("stats", "stats:stats", "Count conversations, messages, tokens and costs."),
        ),
    ),
    (
        "Keep in order",
        _rows(
            ("rename", "rename:rename", "Give a conversation another title."),
            ("pin", "marks:pin", "Pin conversations."),
            ("unpin", "marks:unpin", "Unpin conversations."),
            ("archive", "marks:archive", "Put conversations into the archive."),
            ("unarchive", "marks:unarchive", "Take conversations out of the archive."),
            ("tag", "tag:tag", "Put tags on a conversation."),
            ("untag", "tag:untag", "Take tags off a conversation."),
            ("tags", "tag:tags", "List all tags."),
            ("move", "move:move", "Move a conversation into a project."),
            ("projects", "projects:projects", "List, create, rename and delete projects."),
        ),
    ),
    (
        "Remove",
        _rows(
            ("delete", "delete:delete", "Move conversations to the trash."),
            ("trash", "trash:trash", "List, restore and empty the trash."),
            ("purge", "purge:purge", "Remove conversations for ever."),
        ),
    ),
    (
        "Look after",
        _rows(
            ("check", "check:check", "Look for damage in the store, and repair it."),
            ("doctor", "doctor:doctor", "Look over the installation and say what to do."),
            ("where", "where:where", "Say where the chats are."),
            ("version", "version:version", "Say which versions are at work."),
            ("completion", "completion:completion", "Print a script that completes commands in a shell."),
        ),
    ),
)


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's call
    if value and not context.resilient_parsing:
        from chatkeep.cli.commands.version import own_version

        click.echo(f"chatkeep {own_version()}")
        context.exit()


@click.group(
    "chatkeep",
    cls=LazyGroup,
    sections=SECTIONS,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Print the version and leave.",
        )
    ],
)
def program() -> None:
    """Keep your AI chats: bring them in from any app, search them, take them out again."""
