"""``chatkeep check``."""

from __future__ import annotations

import click

from chatkeep.cli import exit_codes
from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import clean_line, counted


@command("check")
@click.option("--repair", is_flag=True, help="Make anew what is derived, where it is wrong.")
@click.pass_obj
def check(invocation: Invocation, *, repair: bool) -> int:
    """Look for damage in the store, and repair it.

    Looks at every page of the database, every message, every attachment and the search index. What was written by
    people and models is never changed; with --repair, counters, the search index and stray files are made right.
    """
    with invocation.existing() as keep:
        report = keep.check(repair=repair)
    if invocation.json:
        invocation.emit(
            {
                "clean": report.is_clean,
                "findings": [
                    {
                        "code": finding.code,
                        "where": finding.where,
                        "message": finding.message,
                        "repairable": finding.repairable,
                        "repaired": finding.repaired,
                    }
                    for finding in report.findings
                ],
                "checked": {
                    "conversations": report.conversations,
                    "messages": report.messages,
                    "attachments": report.attachments,
                },
            }
        )
    else:
        for finding in report.findings:
            state = "repaired" if finding.repaired else "can be repaired" if finding.repairable else "damaged"
            invocation.write(clean_line(f"{state}: {finding.where}: {finding.message} [{finding.code}]") + "\n")
        invocation.say(
            f"checked {counted(report.conversations, 'conversation')}, {counted(report.messages, 'message')} and"
            f" {counted(report.attachments, 'attachment')}: {_verdict(report.is_clean, bool(report.findings))}"
        )
    return exit_codes.DONE if report.is_clean else exit_codes.PROBLEMS


def _verdict(clean: bool, found: bool) -> str:  # noqa: FBT001 - two truths that belong together
    if not found:
        return "all is well"
    return "all is well now" if clean else "see above; `chatkeep check --repair` mends what is derived"
