"""What a ``user`` line says: much of what stands in that role was never typed by anybody."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from chatkeep.model import RawPart, Text

Kind = Literal["typed", "notice", "injected"]
"""``typed`` by the user; ``notice``: of the program, worth reading; ``injected``: for the model's eyes only."""

# Of the editor and of the program, before or instead of what was typed.
_PREFIXES = ("ide_opened_file", "ide_selection", "system-reminder")
_INJECTED = ("<local-command-caveat>", "<task-notification>", "Caveat:")
_NOTICES = (
    "<local-command-stdout>",
    "<local-command-stderr>",
    "<bash-stdout>",
    "<bash-stderr>",
    "[Request interrupted",
    "This session is being continued",
    "Stop hook feedback:",
)
_COMMAND = re.compile(r"<command-(?:name|message|args)>")
_NAME = re.compile(r"<command-name>([^<]*)</command-name>")
_ARGS = re.compile(r"<command-args>((?:(?!</command-args>).)*)</command-args>", re.DOTALL)
_BASH = re.compile(r"<bash-input>((?:(?!</bash-input>).)*)</bash-input>", re.DOTALL)


class Said(NamedTuple):
    """One text of a user line, taken apart."""

    kind: Kind
    parts: list[Text | RawPart]


def said(text: str) -> Said:
    """Tell what a text in the user's role is."""
    rest, parts = _without_prefixes(text)
    stripped = rest.lstrip()
    if not stripped and parts:
        return Said("injected", parts)
    if stripped.startswith(_INJECTED):
        return Said("injected", [*parts, Text(text=rest)])
    if stripped.startswith(_NOTICES):
        return Said("notice", [*parts, Text(text=rest)])
    return Said("typed", [*parts, _command(stripped) or Text(text=rest if parts else text)])


def _without_prefixes(text: str) -> tuple[str, list[Text | RawPart]]:
    parts: list[Text | RawPart] = []
    rest = text
    while True:
        stripped = rest.lstrip()
        tag = next((name for name in _PREFIXES if stripped.startswith(f"<{name}>")), None)
        end = stripped.find(f"</{tag}>") if tag else -1
        if tag is None or end < 0:
            return (stripped if parts else text), parts
        parts.append(RawPart(kind=tag, data=stripped[len(tag) + 2 : end]))
        rest = stripped[end + len(tag) + 3 :]


def _command(text: str) -> Text | None:
    """A slash command or a ``!`` command as it was typed; the markup around it is kept beside."""
    if match := _BASH.match(text):
        return Text(text=f"!{match[1]}", extra={"content": text})
    if not _COMMAND.match(text):
        return None
    name = _NAME.search(text)
    if name is None:
        return None
    arguments = _ARGS.search(text)
    shown = name[1].strip()
    shown = shown if shown.startswith("/") else f"/{shown}"
    if arguments and arguments[1].strip():
        shown = f"{shown} {arguments[1].strip()}"
    return Text(text=shown, extra={"content": text})
