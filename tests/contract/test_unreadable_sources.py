"""Sources of which nothing can be read, and records that are another app's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Skipped
from chatkeep.services.importing import import_source
from chatkeep.store import Filter, Store
from tests.contract.acme import TEA, run

CUT = {
    "chatgpt": '[{"title": "Tea", "mapping": {"a": {"id": "a", "mess',
    "claude": '[{"uuid": "u", "name": "Tea", "chat_messages": [{"uuid": "m", "sender"',
    "litechat": '[{"conversation": {"id": "c1", "title": "Tea", "metadata": {}}, "interactions": [{"id": "i1", "ty',
}


@pytest.mark.parametrize("format", CUT)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_file_that_is_cut_inside_its_first_conversation_is_an_error(
    store: Store, tmp_path: Path, format: str, dry_run: bool
) -> None:
    """A script would take a report without a single conversation for success."""
    path = tmp_path / "conversations.json"
    path.write_text(CUT[format], "utf-8")

    with pytest.raises(UnreadableSourceError, match=r"nothing in it could be read: conversations\.json"):
        import_source(store, path, format=format, dry_run=dry_run)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("chatgpt", CUT["chatgpt"][1:]),
        ("claude", CUT["claude"][1:]),
    ],
)
def test_a_single_conversation_that_is_cut_counts_as_skipped(
    store: Store, tmp_path: Path, format: str, text: str
) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(text, "utf-8")

    report = import_source(store, path, format=format)

    assert (report.conversations.skipped, report.conversations.added) == (1, 0)
    assert not report.is_clean


def test_what_can_be_read_of_a_damaged_source_comes_in(store: Store, tmp_path: Path) -> None:
    report = run(store, tmp_path, Skipped("line 1", "not JSON"), TEA)

    assert (report.conversations.added, len(report.skipped)) == (1, 1)


def test_a_source_that_is_known_and_damaged_is_no_error(store: Store, tmp_path: Path) -> None:
    for _ in range(2):
        report = run(store, tmp_path, TEA, Skipped("line 2", "not JSON"), fingerprints=True)

    assert report.conversations.unchanged == 1


def test_another_apps_conversations_are_skipped_as_claudes(store: Store, tmp_path: Path) -> None:
    """Read by the wrong name they would come in as empty chats of 1970."""
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([{"title": "Tea", "mapping": {}, "id": "1"}, {"title": "Rain", "mapping": {}}]), "utf-8")

    report = import_source(store, path, format="claude")

    assert (report.conversations.added, report.conversations.skipped) == (0, 2)
    assert "neither uuid nor chat_messages" in report.skipped[0].reason
    assert store.conversations.list(Filter()).items == []
