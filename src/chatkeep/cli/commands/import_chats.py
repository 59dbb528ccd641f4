"""``chatkeep import``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from chatkeep.cli import exit_codes
from chatkeep.cli.completing import readable_formats
from chatkeep.cli.groups import command
from chatkeep.cli.import_report import shape, write_report
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import counted
from chatkeep.errors import AmbiguousFormatError, ConfirmationRequiredError, FormatError, UsageError

if TYPE_CHECKING:
    from io import BufferedReader

    from chatkeep.keep import Keep
    from chatkeep.services.reporting import Report

# So many names of what is passed over are said.
_SHOWN_NAMES = 5


@command("import")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@click.option(
    "--as",
    "format",
    metavar="FORMAT",
    shell_complete=readable_formats,
    help="What the sources are; otherwise they are recognised.",
)
@click.option("--dry-run", is_flag=True, help="Report what would happen and change nothing.")
@click.option("--strict", is_flag=True, help="Exit with 1 if anything could not be read.")
@click.option("--include-purged", is_flag=True, help="Bring back what was removed for ever, too.")
@click.option("--yes", is_flag=True, help="Without PATH: import all that is found, without asking.")
@click.pass_obj
def import_chats(
    invocation: Invocation,
    *,
    paths: tuple[str, ...],
    format: str | None,
    dry_run: bool,
    strict: bool,
    include_purged: bool,
    yes: bool,
) -> int:
    """Bring chats in from files and folders of other apps.

    PATH is a file, zip, folder or database as an app exports or keeps it, or - for standard input. Without PATH,
    looks where the supported apps keep chats on this machine and asks. Importing again adds only what is new.
    """
    chosen = [*paths] or _found(invocation, yes=yes)
    if chosen.count("-") > 1:
        raise UsageError("standard input can be read once")
    if not chosen:
        _tell(invocation, [], [], dry_run=dry_run)
        return exit_codes.DONE
    if format is None:
        chosen = _with_what_folders_hold(invocation, chosen)
    reports: list[Report] = []
    failures: list[FormatError] = []
    opening = invocation.reading(hint=False) if dry_run else invocation.writing()
    with opening as keep:
        for path in chosen:
            try:
                reports.append(
                    _imported(invocation, keep, path, format=format, dry_run=dry_run, include_purged=include_purged)
                )
            except FormatError as error:
                failures.append(error)
    _tell(invocation, reports, failures, dry_run=dry_run)
    if format is not None:
        _tell_what_was_empty(invocation, reports)
    if failures:
        raise failures[0]
    clean = all(report.is_clean and not report.attachments.missing for report in reports)
    return exit_codes.DONE if clean or not strict else exit_codes.PROBLEMS


def _imported(
    invocation: Invocation, keep: Keep, path: str, *, format: str | None, dry_run: bool, include_purged: bool
) -> Report:
    from chatkeep.cli.progress import import_progress

    with _source(path) as place, import_progress(invocation, path) as progress:
        report = keep.import_from(
            place, format=format, dry_run=dry_run, include_purged=include_purged, progress=progress
        )
    report.path = path
    return report


def _with_what_folders_hold(invocation: Invocation, paths: list[str]) -> list[str]:
    """The same paths, but for a folder of several exports: those exports instead."""
    from chatkeep.cli import picking
    from chatkeep.services.gathering import exports_inside

    chosen: list[str] = []
    for path in paths:
        place = None if path == "-" else picking.path(path)
        inside = place and exports_inside(place, own_directory=invocation.layout.directory)
        if not inside:
            chosen.append(path)
            continue
        chosen += [str(source.path) for source in inside.sources]
        for source in inside.sources:
            invocation.say(f"found {source.what}: {source.path}")
        if inside.passed_over:
            shown = ", ".join(inside.passed_over[:_SHOWN_NAMES])
            more = len(inside.passed_over) - _SHOWN_NAMES
            invocation.say(f"passed over in {path}: {shown}" + (f" and {more:,} more" if more > 0 else ""))
    return list(dict.fromkeys(chosen))


@contextmanager
def _source(path: str) -> Iterator[Path]:
    """The place to read; standard input is spooled to a private file, since formats are recognised by seeking in it."""
    if path != "-":
        from chatkeep.cli import picking

        yield picking.path(path)
        return
    from tempfile import TemporaryDirectory

    from chatkeep.instances import open_private

    with TemporaryDirectory(prefix="chatkeep-stdin-") as folder:
        place = Path(folder, "standard input")
        with open_private(place) as copy:
            # One raw read at a time: Ctrl-C between the reads of one larger one would wait for the pipe.
            stream = cast("BufferedReader", sys.stdin.buffer)
            while chunk := stream.read1(1 << 16):
                copy.write(chunk)
        try:
            yield place
        except FormatError as error:
            # Nobody knows the copy by its name, and it is gone.
            error.args = (str(error).replace(str(place), place.name),)
            if isinstance(error, AmbiguousFormatError):
                error.path = place.name
            raise


def _found(invocation: Invocation, *, yes: bool) -> list[str]:
    """What lies in the known places, as far as the person wants it."""
    from chatkeep.instances import current_platform, home_directory
    from chatkeep.services.locating import known_sources

    found = known_sources(platform=current_platform(), environ=os.environ, home=Path(home_directory()))
    if not found:
        invocation.say("no chats of a supported app are in the usual places: give a PATH")
        return []
    for source in found:
        invocation.say(f"found {source.what}: {source.path}")
    if yes:
        return [str(source.path) for source in found]
    if not sys.stdin.isatty():
        raise ConfirmationRequiredError(
            f"{counted(len(found), 'source')} found and nobody can be asked: name what to import, or add --yes"
        )
    from chatkeep.cli.terminal import clean_line

    return [
        str(source.path)
        for source in found
        if click.confirm(f"import {clean_line(f'{source.what} from {source.path}')}?", default=True, err=True)
    ]


def _tell(invocation: Invocation, reports: list[Report], failures: list[FormatError], *, dry_run: bool) -> None:
    # The first failure is told by whoever catches it; the others here.
    for error in failures[1:]:
        invocation.warn(f"chatkeep: {error}")
    if invocation.json:
        if reports or not failures:
            invocation.emit(shape(reports))
        return
    if invocation.quiet:
        return
    for report in reports:
        write_report(invocation, report, dry_run=dry_run)


def _tell_what_was_empty(invocation: Invocation, reports: list[Report]) -> None:
    """A format that was named is not looked for: a folder of another one reads as an empty export."""
    for report in reports:
        counts = report.conversations
        seen = counts.added + counts.updated + counts.unchanged + counts.skipped + report.purged
        if not seen and not report.skipped:
            invocation.warn(
                f"{report.path}: nothing in it was read as {report.format}: name single files, or try without --as"
            )
