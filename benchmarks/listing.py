"""The newest 50 of many conversations."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import OURS, Chatkeep
from benchmarks.corpus import Texts
from benchmarks.measuring import best_of_turns, median, ratio
from benchmarks.results import Section, at_most, span, table

COUNT = 50
_BARE = "SELECT id, title, updated_at, messages FROM conversation ORDER BY updated_at DESC LIMIT 50"
_PREVIEW = (
    "SELECT id, title, updated_at, messages, (SELECT substr(content, 1, 160) FROM message AS m"
    " WHERE m.conversation = c.id ORDER BY seq DESC LIMIT 1) FROM conversation AS c ORDER BY updated_at DESC LIMIT 50"
)


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    conversations: int
    rounds: int


FULL = Sizes(conversations=100_000, rounds=15)
QUICK = Sizes(conversations=5_000, rounds=9)


def run(place: Path, sizes: Sizes) -> Section:
    """Measure in a directory."""
    section = Section(
        f"list: the newest {COUNT} of {sizes.conversations:,} conversations",
        "The bare query reads four columns over an index on the time; the one beside it looks up each conversation's"
        f" last message too. {OURS} gives values with title, times, preview, tags and counters, and a cursor.",
    )
    with tempfile.TemporaryDirectory(dir=place) as folder:
        raw, ours = _fill(Path(folder), sizes.conversations)
        list_ours = ours.keep.conversations.list
        first = list_ours(limit=COUNT)
        assert len(first.items) == COUNT
        assert all(item.preview for item in first.items)
        ways = {
            "sqlite3, bare indexed query": lambda: raw.execute(_BARE).fetchall(),
            "sqlite3, with each last message": lambda: raw.execute(_PREVIEW).fetchall(),
            f"{OURS}, first page": lambda: list_ours(limit=COUNT),
            f"{OURS}, second page": lambda: list_ours(limit=COUNT, cursor=first.next),
        }
        found = best_of_turns(list(ways.values()), rounds=sizes.rounds, repeats=20)
        raw.close()
        ours.close()
    bare = found[0]
    section.tables.append(
        table(
            ["way", "time", "x bare"],
            [(name, span(median(times)), f"{ratio(times, bare):.1f}") for name, times in zip(ways, found, strict=True)],
        )
    )
    what = f"newest {COUNT} of {sizes.conversations:,} conversations, x time of the bare query"
    section.verdicts.append(at_most(what, ratio(found[2], bare), 2.5))
    section.figures = dict(zip(ways, found, strict=True))
    return section


def _fill(folder: Path, count: int) -> tuple[sqlite3.Connection, Chatkeep]:
    texts = Texts(words=30, vocabulary_size=5_000)
    raw = sqlite3.connect(folder / "raw.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("CREATE TABLE conversation (id INTEGER PRIMARY KEY, title TEXT, updated_at REAL, messages INTEGER)")
    raw.execute("CREATE INDEX conversation_updated ON conversation (updated_at)")
    raw.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, conversation INTEGER, seq INTEGER, content TEXT)")
    raw.execute("CREATE UNIQUE INDEX message_seq ON message (conversation, seq)")
    ours = Chatkeep(folder / "ours", durability="process")
    raw.execute("BEGIN")
    for number in range(1, count + 1):
        text, title = next(texts), f"Conversation {number}"
        raw.execute("INSERT INTO conversation VALUES (?, ?, ?, 1)", (number, title, 1.6e9 + number))
        raw.execute("INSERT INTO message (conversation, seq, content) VALUES (?, 1, ?)", (number, text))
        ours.keep.messages.append(ours.keep.conversations.create(title=title).id, "user", text)
    raw.execute("COMMIT")
    return raw, ours
