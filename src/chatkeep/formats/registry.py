"""Which formats there are: add an adapter's module to ``BUILTIN``, a writer's to ``WRITERS``.

Import this module late, inside the function that needs it: it imports every adapter.
"""

from __future__ import annotations

from chatkeep.errors import AmbiguousFormatError, NotWritableFormatError, UnknownFormatError
from chatkeep.formats.adapters import chatgpt, chatkeep, chorus_app, claude, claude_code, litechat, markdown, openai
from chatkeep.formats.protocol import FormatAdapter, FormatWriter, Probe

BUILTIN: tuple[FormatAdapter, ...] = (chatgpt, chatkeep, chorus_app, claude, claude_code, litechat)
"""In no order: two that claim one source are an error."""

WRITERS: tuple[FormatWriter, ...] = (chatkeep, markdown, openai)


def adapter(name: str) -> FormatAdapter:
    """The adapter that reads a format.

    Raises:
        UnknownFormatError: None has this name; the message lists those that there are.
    """
    for module in BUILTIN:
        if module.name == name:
            return module
    raise UnknownFormatError(f"no format {name!r} can be read; there are {_names(BUILTIN)}")


def writer(name: str) -> FormatWriter:
    """The writer of a format.

    Raises:
        NotWritableFormatError: The format can be read only.
        UnknownFormatError: Nothing has this name; the message lists what can be written.
    """
    for module in WRITERS:
        if module.name == name:
            return module
    if any(module.name == name for module in BUILTIN):
        raise NotWritableFormatError(f"{name} can be read, but not written; there are {_names(WRITERS)}")
    raise UnknownFormatError(f"no format {name!r} can be written; there are {_names(WRITERS)}")


def recognise(probe: Probe) -> FormatAdapter:
    """The one adapter that is certain of a source.

    Raises:
        UnknownFormatError: None is; the message says what was seen.
        AmbiguousFormatError: Several are.
    """
    found = [module for module in BUILTIN if module.recognises(probe)]
    if len(found) > 1:
        raise AmbiguousFormatError(str(probe.path), tuple(sorted(module.name for module in found)))
    if not found and _is_empty(probe):
        raise UnknownFormatError(f"{probe.path}: {_seen(probe)}, nothing to read")
    if not found:
        raise UnknownFormatError(f"{probe.path}: {_seen(probe)}; say what it is with --as: {_names(BUILTIN)}")
    return found[0]


def _names(modules: tuple[FormatAdapter, ...] | tuple[FormatWriter, ...]) -> str:
    return ", ".join(sorted(module.name for module in modules)) or "none"


def _is_empty(probe: Probe) -> bool:
    return not (probe.names if probe.kind in ("zip", "directory") else probe.head or probe.tables)


def _seen(probe: Probe) -> str:
    """A few words on what the source is, none of its text."""
    if probe.kind == "sqlite":
        shown = ", ".join(sorted(probe.tables)[:5])
        return f"a SQLite database of no known app (tables {shown})" if shown else "a SQLite database without tables"
    if probe.kind in ("zip", "directory"):
        shown = ", ".join(probe.names[:5])
        return f"a {probe.kind} of no known export (holds {shown})" if shown else f"an empty {probe.kind}"
    return f"{_text_kind(probe.head)} of no known format"


def _text_kind(head: bytes) -> str:
    start = head.lstrip()[:1]
    if not head:
        return "an empty file"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip file (unpack it first)"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "a UTF-16 file (save it as UTF-8 first)"
    if b"\0" in head:
        return "a binary file"
    return {b"{": "a JSON file", b"[": "a JSON file", b"<": "an HTML or XML file"}.get(start, "a text file")
