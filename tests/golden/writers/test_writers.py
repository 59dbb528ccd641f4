"""What every writer makes of the invented conversations, compared byte for byte.

``make golden`` rewrites the expected files; review the difference.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from chatkeep.formats import registry
from chatkeep.formats.adapters import markdown, openai
from tests.golden.writers.conversations import everything, tea

EXPECTED = Path(__file__).parent / "expected"
REWRITE = bool(os.environ.get("CHATKEEP_TEST_GOLDEN"))


def contents(root: Path) -> dict[str, bytes]:
    if root.is_file():
        return {"": root.read_bytes()}
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def compare(made: Path, expected: Path) -> None:
    if REWRITE:
        shutil.rmtree(expected, ignore_errors=True)
        expected.unlink(missing_ok=True)
        expected.parent.mkdir(exist_ok=True)
        shutil.copytree(made, expected) if made.is_dir() else shutil.copyfile(made, expected)
    assert contents(made) == contents(expected)


@pytest.mark.parametrize(
    ("name", "file"), [("chatkeep", "chatkeep.jsonl"), ("markdown", "markdown"), ("openai", "openai.jsonl")]
)
def test_a_writer_makes_what_it_made_before(tmp_path: Path, name: str, file: str) -> None:
    registry.writer(name).write(everything(), tmp_path / file)

    compare(tmp_path / file, EXPECTED / file)


def test_one_markdown_document_has_its_attachments_beside_it(tmp_path: Path) -> None:
    markdown.write([tea()], tmp_path / "out" / "tea.md")

    compare(tmp_path / "out", EXPECTED / "markdown-one")


def test_images_are_written_into_openai_messages_when_asked_for(tmp_path: Path) -> None:
    written = openai.write([tea()], tmp_path / "x.jsonl", images="data-url")

    compare(tmp_path / "x.jsonl", EXPECTED / "openai-images.jsonl")
    assert written.attachments == 1
