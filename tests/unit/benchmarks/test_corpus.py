from __future__ import annotations

import json
from pathlib import Path

import chatkeep
from benchmarks.corpus import Texts, kilobyte_texts, write_chatgpt_export

VOCABULARY = 500


def test_texts_are_the_same_on_every_run_and_differ_from_each_other() -> None:
    """Contenders of two runs must have had the same work."""
    first, again = Texts(vocabulary_size=VOCABULARY), Texts(vocabulary_size=VOCABULARY)
    some = [next(first) for _ in range(50)]

    assert [next(again) for _ in range(50)] == some
    assert len(set(some)) == 50


def test_lengths_spread_around_what_was_asked_for() -> None:
    texts = Texts(words=20, vocabulary_size=VOCABULARY)
    lengths = sorted(len(next(texts).split()) for _ in range(400))

    assert lengths[0] >= 3
    assert lengths[-1] <= 120
    assert 12 < lengths[200] < 24


def test_a_few_words_are_most_of_the_text() -> None:
    """An index over evenly frequent words would be another problem."""
    texts = Texts(vocabulary_size=VOCABULARY)
    words = [word for _ in range(50) for word in next(texts).split()]
    counts = sorted((words.count(word) for word in set(words)), reverse=True)

    assert sum(counts[:50]) > len(words) / 3
    assert len(counts) > 300


def test_kilobyte_texts_are_kilobytes() -> None:
    assert {len(text.encode()) for text in kilobyte_texts(20)} == {1024}


def test_the_made_export_is_whole_json_of_the_size_asked_for_and_wholly_imported(tmp_path: Path) -> None:
    source = tmp_path / "conversations.json"

    made = write_chatgpt_export(source, 100_000, vocabulary_size=VOCABULARY)

    assert source.stat().st_size == made.size_bytes >= 100_000
    assert len(json.loads(source.read_bytes())) == made.conversations
    with chatkeep.open(tmp_path / "store") as keep:
        report = keep.import_from(source)
        thread = keep.messages.thread(keep.conversations.list(limit=1).items[0].id)
    assert report.format == "chatgpt"
    assert (report.conversations.added, report.messages.added) == (made.conversations, made.messages)
    assert report.skipped == []
    assert {message.role for message in thread} == {"user", "assistant"}


def test_the_export_has_branches_and_odd_text(tmp_path: Path) -> None:
    source = tmp_path / "conversations.json"
    write_chatgpt_export(source, 1_500_000, vocabulary_size=VOCABULARY)

    nodes = [node for value in json.loads(source.read_bytes()) for node in value["mapping"].values()]

    assert any(len(node["children"]) > 1 for node in nodes)
    assert any(node["message"] and "你好" in node["message"]["content"]["parts"][0] for node in nodes)
