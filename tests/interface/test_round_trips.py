"""Every sample that there is, in and out and in again, in any order, any number of times."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatkeep
from chatkeep.encoding import conversation_digest
from chatkeep.errors import FormatError
from chatkeep.formats.registry import recognise
from chatkeep.formats.sources import probe
from chatkeep.keep import Keep
from chatkeep.services.exporting import all_messages
from tests.golden.chorus_app import today
from tests.golden.test_golden import cases

ROOT = Path(__file__).parents[2]


def _examples() -> Iterator[Path]:
    for path in sorted((ROOT / "examples").glob("*")):
        try:
            recognise(probe(path))
        except FormatError:
            continue
        yield path


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    chorus = tmp_path_factory.mktemp("chorus")
    today.build(chorus)
    return [*(path for _, path in cases()), *_examples(), chorus]


def digests(keep: Keep) -> dict[str, str]:
    """The digest of each conversation, and whether the bytes of its attachments are there."""
    found = {}
    for item in keep.conversations.list(limit=1000).items:
        digest = conversation_digest(keep.conversations.get(item.id), all_messages(keep._store, item.id))
        files = sorted((file.id, file.sha256 or "") for file in keep.attachments.list(item.id))
        found[item.id] = f"{digest} {files}"
    return found


def _import_all(keep: Keep, samples: list[Path]) -> dict[str, str]:
    for path in samples:
        keep.import_from(path)
    return digests(keep)


def test_every_sample_survives_the_way_through_our_own_format(samples: list[Path], tmp_path: Path) -> None:
    with chatkeep.open(tmp_path / "first") as keep:
        before = _import_all(keep, samples)
        keep.export(None, to="chatkeep", destination=tmp_path / "all.jsonl")
        assert keep.check().findings == ()

    with chatkeep.open(tmp_path / "second") as keep:
        report = keep.import_from(tmp_path / "all.jsonl")
        after = digests(keep)
        assert keep.check().findings == ()

    assert report.skipped == []
    assert len(before) > 30
    assert after == before


@pytest.fixture(scope="module")
def in_order(samples: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    with chatkeep.open(tmp_path_factory.mktemp("in-order")) as keep:
        return _import_all(keep, samples)


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_imports_makes_a_difference(
    samples: list[Path], in_order: dict[str, str], tmp_path: Path, seed: int
) -> None:
    """Exports overlap: a conversation alone, the whole of an app, an older state of it."""
    luck, shuffled = random.Random(seed), samples.copy()
    luck.shuffle(shuffled)
    with chatkeep.open(tmp_path) as keep:
        once = _import_all(keep, shuffled)
        luck.shuffle(shuffled)
        reports = [keep.import_from(path) for path in shuffled]
        twice = digests(keep)
        assert keep.check().findings == ()

    assert once == in_order
    assert twice == once
    added = [report.conversations.added + report.messages.added + report.messages.updated for report in reports]
    assert sum(added) == 0


def test_nothing_of_any_sample_is_left_after_a_purge(samples: list[Path], tmp_path: Path) -> None:
    """A row without its conversation would be found by nobody, and stay."""
    with chatkeep.open(tmp_path) as keep:
        _import_all(keep, samples)
        report = keep.conversations.purge(*(item.id for item in keep.conversations.list(limit=1000).items))
        again = [keep.import_from(path) for path in samples]
        assert keep.check().findings == ()
        left = keep._store.engine.read(
            lambda tx: [
                tx.row(f"SELECT count(*) FROM {table}")
                for table in (
                    "conversation",
                    "message",
                    "attachment",
                    "message_attachment",
                    "conversation_model",
                    "tag",
                )
            ]
        )

    assert report.blobs > 20
    assert sum(report.conversations.added for report in again) == 0
    assert left == [(0,)] * 6
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
