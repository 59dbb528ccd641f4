"""``chatkeep projects``."""

from __future__ import annotations

import click

from chatkeep.cli.groups import Group
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.tables import Column


@click.group("projects", cls=Group)
def projects() -> None:
    """List, create, rename and delete projects."""


@projects.command("list")
@click.pass_obj
def list_projects(invocation: Invocation) -> None:
    """List all projects by name."""
    from chatkeep.cli import picking, shapes

    with invocation.reading() as keep:
        found = picking.all_projects(keep)
    if invocation.json:
        invocation.emit({"projects": [shapes.project(project) for project in found]})
    elif found:
        names = {project.id: project.name for project in found}
        columns = (Column("id", style="dim"), Column("name", flexible=True), Column("in"))
        invocation.table(
            columns, [(project.id, project.name, names.get(project.parent_id or "", "")) for project in found]
        )
    else:
        invocation.say("none")


@projects.command("create")
@click.argument("name")
@click.option("--parent", metavar="PROJECT", help="Make it inside this one (name or id).")
@click.option("--instructions", metavar="TEXT", help="What goes before each of its conversations.")
@click.pass_obj
def create_project(invocation: Invocation, *, name: str, parent: str | None, instructions: str | None) -> None:
    """Make a project."""
    from chatkeep.cli import picking, shapes

    with invocation.writing() as keep:
        parent_id = picking.project(keep, parent).id if parent else None
        made = keep.projects.create(name, parent_id=parent_id, instructions=instructions)
    if invocation.json:
        invocation.emit({"project": shapes.project(made)})
    else:
        invocation.write(f"{made.id}\n")


@projects.command("rename")
@click.argument("project")
@click.argument("name")
@click.pass_obj
def rename_project(invocation: Invocation, *, project: str, name: str) -> None:
    """Give a project (name or id) another name."""
    from chatkeep.cli import picking, shapes

    with invocation.existing() as keep:
        changed = keep.projects.rename(picking.project(keep, project).id, name)
    if invocation.json:
        invocation.emit({"project": shapes.project(changed)})
    else:
        invocation.say(f"renamed: {changed.name}")


@projects.command("delete")
@click.argument("project")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete_project(invocation: Invocation, *, project: str, yes: bool) -> None:
    """Delete a project (name or id) and those inside it; their conversations are kept."""
    from chatkeep.cli import picking, shapes

    with invocation.existing() as keep:
        found = picking.project(keep, project)
        question = f"Delete the project {found.name!r} and all inside it? Its conversations are kept."
        invocation.confirm(question, yes=yes)
        keep.projects.delete(found.id)
    if invocation.json:
        invocation.emit({"project": shapes.project(found)})
    else:
        invocation.say(f"deleted: {found.name}")
