"""What adapters make of real-shaped files: ``<adapter>/<case>/input*`` against ``expected.json`` beside it.

``CHATKEEP_TEST_GOLDEN=rewrite`` writes the expected files anew; review the diff.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatkeep.formats.protocol import FormatAdapter, NotImported, Record, Skipped, SourceAttachment
from chatkeep.formats.registry import BUILTIN, recognise
from chatkeep.formats.sources import open_source, probe
from chatkeep.model import Part, to_iso

HERE = Path(__file__).parent
# What an editor or a terminal would not show, or could not write: controls, lone surrogates, private use.
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ue000-\uf8ff]")


def cases() -> Iterator[tuple[FormatAdapter, Path]]:
    """The adapter and the input of each case."""
    for adapter in BUILTIN:
        for case in sorted((HERE / adapter.name).glob("*/")):
            yield from ((adapter, path) for path in sorted(case.glob("input*")))


def outcome(adapter: FormatAdapter, path: Path) -> list[Any]:
    """Everything that reading a source gives, as JSON values; what has its default value is left out."""
    found: list[Any] = []
    with open_source(path) as source:
        for item in adapter.read(source):
            if isinstance(item, Record):
                try:
                    found.append({"record": item.where, "holds": _shown(item.load())})
                except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
                    found.append({"record": item.where, "unreadable": type(error).__name__, "reason": str(error)})
            elif isinstance(item, Skipped | NotImported):
                found.append({type(item).__name__.lower(): _shown(item)})
    return found


def _shown(value: Any) -> Any:
    if isinstance(value, Part):
        return msgspec.to_builtins(value)
    if isinstance(value, SourceAttachment):
        shown = _fields(value)
        if value.open is not None:
            with value.open() as stream:
                shown["open"] = sha256(stream.read()).hexdigest()
        return shown
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else value


def _fields(value: msgspec.Struct) -> dict[str, Any]:
    shown = {}
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if not (isinstance(item, type(default)) and item == default):
            shown[field.name] = _shown(item)
    return shown


def as_text(found: list[Any]) -> str:
    """The outcome as it is written down, every character visible."""
    written = json.dumps(found, ensure_ascii=False, indent=1)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", written) + "\n"


@pytest.mark.parametrize(("adapter", "path"), [pytest.param(a, p, id=f"{a.name}-{p.parent.name}") for a, p in cases()])
def test_a_source_is_read_as_expected(adapter: FormatAdapter, path: Path) -> None:
    found = as_text(outcome(adapter, path))
    expected = path.parent / "expected.json"
    if os.environ.get("CHATKEEP_TEST_GOLDEN") == "rewrite":
        expected.write_text(found, "utf-8", newline="\n")

    assert json.loads(found) == json.loads(expected.read_text("utf-8"))


@pytest.mark.parametrize(("adapter", "path"), [pytest.param(a, p, id=f"{a.name}-{p.parent.name}") for a, p in cases()])
def test_a_source_is_recognised(adapter: FormatAdapter, path: Path) -> None:
    assert recognise(probe(path)) is adapter
