"""What a shell offers while a command is typed. Called for that alone, so it may load what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def readable_formats(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of formats that can be imported."""
    from chatkeep.formats.registry import BUILTIN

    return sorted(adapter.name for adapter in BUILTIN if adapter.name.startswith(begun))


def writable_formats(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of formats that can be exported."""
    from chatkeep.formats.registry import WRITERS

    return sorted(writer.name for writer in WRITERS if writer.name.startswith(begun))
