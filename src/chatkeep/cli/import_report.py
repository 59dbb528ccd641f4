"""The report of an import, as JSON and for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chatkeep.cli.invocation import Invocation
from chatkeep.cli.terminal import clean_line, counted

if TYPE_CHECKING:
    from chatkeep.services.reporting import Report

_SHOWN_SKIPPED = 20


def shape(reports: Sequence[Report]) -> dict[str, Any]:
    """Every source's report, and their sum."""
    from chatkeep.services.reporting import Report

    totals = Report()
    for report in reports:
        totals.add(report)
    formats = {report.format for report in reports}
    totals.format = formats.pop() if len(formats) == 1 else None
    return {
        "sources": [{"path": report.path} | _counts(report) for report in reports],
        "totals": _counts(totals),
    }


def _counts(report: Report) -> dict[str, Any]:
    return {
        "format": report.format,
        "conversations": {
            "added": report.conversations.added,
            "updated": report.conversations.updated,
            "unchanged": report.conversations.unchanged,
            "skipped": report.conversations.skipped,
        },
        "messages": {
            "added": report.messages.added,
            "updated": report.messages.updated,
            "unchanged": report.messages.unchanged,
        },
        "attachments": {"added": report.attachments.added, "missing": report.attachments.missing},
        "skipped": [{"where": each.where, "reason": each.reason} for each in report.skipped],
        "skipped_more": report.skipped_more,
        "noted": [{"where": each.where, "reason": each.reason} for each in report.noted],
        "unmapped": [{"field": each.field, "count": each.count} for each in report.unmapped],
        "not_imported": [{"what": each.what, "count": each.count} for each in report.not_imported],
        "purged": report.purged,
    }


def write_report(invocation: Invocation, report: Report, *, dry_run: bool) -> None:
    """The report for people: counts to stdout, everything that is wrong below them."""
    title = f"{report.path} ({report.format})" + (", nothing was changed" if dry_run else "")
    invocation.write(f"{clean_line(title)}\n")
    for name, counts in _lines(report):
        invocation.write(f"  {name:<13} {counts}\n")
    for problem in report.skipped[:_SHOWN_SKIPPED]:
        invocation.write(f"  skipped       {clean_line(f'{problem.where}: {problem.reason}')}\n")
    more = len(report.skipped) - _SHOWN_SKIPPED + report.skipped_more
    if more > 0:
        invocation.write(f"  skipped       {more:,} more: --json lists them\n")
    if report.noted:
        invocation.write(
            f"  noted         {counted(len(report.noted), 'odd message')}, imported all the same: --json lists them\n"
        )
    for left_out in report.not_imported:
        invocation.write(f"  not imported  {left_out.count:,} {clean_line(left_out.what)}\n")
    if report.purged:
        invocation.write(
            f"  left out      {report.purged:,} that were purged here: --include-purged brings them back\n"
        )
    if invocation.verbosity:
        for field in report.unmapped:
            invocation.write(f"  kept as found {clean_line(field.field)} ({field.count:,})\n")
    elif report.unmapped:
        invocation.write(
            f"  kept as found {counted(len(report.unmapped), 'field')} without a place of ours: -v lists them\n"
        )


def _lines(report: Report) -> list[tuple[str, str]]:
    conversations, messages, attachments = report.conversations, report.messages, report.attachments
    lines = [
        (
            "conversations",
            _said(
                added=conversations.added,
                updated=conversations.updated,
                unchanged=conversations.unchanged,
                skipped=conversations.skipped,
            ),
        ),
        ("messages", _said(added=messages.added, updated=messages.updated, unchanged=messages.unchanged)),
    ]
    if attachments.added or attachments.missing:
        lines.append(("attachments", _said(added=attachments.added, missing=attachments.missing)))
    return lines


def _said(**counts: int) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "none"
