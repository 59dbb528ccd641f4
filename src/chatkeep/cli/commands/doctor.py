"""``chatkeep doctor``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli import exit_codes
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import clean_line, sized

if TYPE_CHECKING:
    from chatkeep.services.diagnosing import Diagnosis, Finding

_SIGNS = {"ok": "ok      ", "note": "note    ", "warning": "WARNING ", "problem": "PROBLEM "}
_STYLES = {"ok": "green", "note": "cyan", "warning": "bold yellow", "problem": "bold red"}


@command("doctor")
@click.pass_obj
def doctor(invocation: Invocation) -> int:
    """Look over the installation and say what to do.

    Looks at versions, the place where the chats are, the disk, the store, the search index, and for chats of other
    apps that could be imported. Changes nothing.
    """
    from chatkeep.cli.commands.version import own_version
    from chatkeep.instances import current_platform, home_directory
    from chatkeep.services.diagnosing import Surroundings, diagnose

    layout = invocation.layout
    surroundings = Surroundings(
        platform=current_platform(), environ=os.environ, home=Path(home_directory()), version=own_version()
    )
    diagnosis = diagnose(layout, surroundings)
    if invocation.json:
        invocation.emit(_shape(invocation, diagnosis))
    else:
        _write(invocation, diagnosis)
    return exit_codes.PROBLEMS if diagnosis.level == "problem" else exit_codes.DONE


def _shape(invocation: Invocation, diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "level": diagnosis.level,
        "directory": str(invocation.layout.directory),
        "findings": [
            {"code": each.code, "level": each.level, "message": each.message, "advice": each.advice}
            for each in diagnosis.findings
        ],
        "versions": diagnosis.versions,
        "sizes": diagnosis.sizes,
        "sources": list(diagnosis.sources),
    }


def _write(invocation: Invocation, diagnosis: Diagnosis) -> None:
    for name, value in diagnosis.versions.items():
        invocation.write(f"{name:<9} {value}\n")
    for name, size in diagnosis.sizes.items():
        if size:
            invocation.write(f"{name:<13} {sized(size)}\n")
    invocation.write("\n")
    for finding in diagnosis.findings:
        _write_finding(invocation, finding)


def _write_finding(invocation: Invocation, finding: Finding) -> None:
    sign = invocation.painted(_SIGNS[finding.level], _STYLES[finding.level])
    invocation.write(f"{sign}  {clean_line(finding.message)} {invocation.painted(f'[{finding.code}]', 'dim')}\n")
    if finding.advice:
        invocation.write(f"          -> {clean_line(finding.advice)}\n")
