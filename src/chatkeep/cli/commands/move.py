"""``chatkeep move``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chatkeep.cli.commands.marks import tell
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.errors import ProjectNotFoundError, UsageError

if TYPE_CHECKING:
    from chatkeep.keep import Keep


@command("move")
@click.argument("id")
@click.argument("project", required=False)
@click.option("--create", is_flag=True, help="Make the project if there is none of this name.")
@click.option("--none", "unfile", is_flag=True, help="Take the conversation out of its project.")
@click.pass_obj
def move(invocation: Invocation, *, id: str, project: str | None, create: bool, unfile: bool) -> None:
    """Move a conversation into a project.

    PROJECT is a project's name or id.
    """
    if unfile == (project is not None):
        raise UsageError("say where to: either PROJECT or --none")
    with invocation.existing() as keep:
        id = keep.conversations.resolve(id)
        project_id = None if project is None else _project_id(invocation, keep, project, create=create)
        changed = keep.conversations.move(id, project_id)
        tell(invocation, keep, [changed], "moved")


def _project_id(invocation: Invocation, keep: Keep, text: str, *, create: bool) -> str:
    from chatkeep.cli import picking

    try:
        return picking.project(keep, text).id
    except ProjectNotFoundError:
        if not create:
            if not invocation.json:
                invocation.say("--create would make the project")
            raise
        return keep.projects.create(text).id
