"""The walk-through that adds a chat format leads to a format that works."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import cast

import pytest

import chatkeep
from chatkeep.formats import registry
from chatkeep.formats.protocol import FormatAdapter
from tests.docs.documents import blocks

SAMPLE = (
    '{"acme_version": 1, "id": "c1", "name": "Tea", "at": 1767225600, "mood": "calm", "turns": ['
    '{"id": "1", "who": "user", "says": "Water for oolong?", "at": 1767225600},'
    ' {"id": "2", "who": "bot", "says": "90 degrees", "at": 1767225605.5}]}\n'
    '{"acme_version": 1, "id": "c2"}\n'
)


@pytest.fixture
def acmechat(monkeypatch: pytest.MonkeyPatch) -> FormatAdapter:
    code = next(block for block in blocks("CONTRIBUTING.md", "python") if "AcmeChat" in block)
    module = types.ModuleType("acmechat")
    monkeypatch.setitem(sys.modules, "acmechat", module)
    exec(compile(code, "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setattr(registry, "BUILTIN", (*registry.BUILTIN, module))
    return cast(FormatAdapter, module)


def test_the_made_up_format_is_recognised_imported_and_found(acmechat: FormatAdapter, tmp_path: Path) -> None:
    sample = tmp_path / "export.jsonl"
    sample.write_text(SAMPLE, encoding="utf-8")
    with chatkeep.open(tmp_path / "home") as keep:
        report = keep.import_from(sample)
        again = keep.import_from(sample)
        hit = keep.search("oolong").hits[0]
        thread = keep.messages.thread(hit.conversation_id)

    assert report.format == "acmechat"
    assert (report.conversations.added, report.conversations.skipped, report.messages.added) == (1, 1, 2)
    assert again.conversations.unchanged == 1
    assert [(message.role, message.text) for message in thread] == [
        ("user", "Water for oolong?"),
        ("assistant", "90 degrees"),
    ]
    assert [(field.field, field.count) for field in report.unmapped][-1] == ("conversation.mood", 1)
