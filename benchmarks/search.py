"""Search side by side: Chatkeep's index, and FTS5's own BM25 over the same messages in one file.

    python -m benchmarks.search --messages 1000000

Builds a corpus of Zipf-distributed words (about 200 a message), indexes it both ways, and prints tables in Markdown.
The peer is what is usually written: an external-content table beside the messages, ``ORDER BY rank``, ``snippet()``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from chatkeep.store.engine import Transaction
from chatkeep.store.sqlite import SqliteEngine
from chatkeep.store.sqlite.search import SearchIndex

VOCABULARY = 200_000
OWNER = "local"
TOP = 20
_SYLLABLES = re.findall(
    "[a-z]+",
    "ka to mi ra ne so lu pe di vo an er in on us al ter com pre con ing ed ly str"
    " men tal fo ri ba cu de ga hi jo le mu no ot pi qu re sa ti un ve wa xi yo za",
)
_PEER = "SELECT rowid, snippet(fts, 0, '[', ']', '..', 12) FROM fts WHERE fts MATCH ? ORDER BY "
_PEER_RANKED = _PEER + "rank LIMIT 20"
_PEER_NEWEST = _PEER + "rowid DESC LIMIT 20"
_PER_CONVERSATION = 14
_BATCH = 2_000


class Timing(NamedTuple):
    """Seconds of each query of a class, both ways."""

    ours: list[float]
    peer: list[float]
    matches: float


def vocabulary(size: int) -> list[str]:
    """Different pronounceable words; the first, which are the frequent ones, are short."""
    rng = random.Random(7)
    found: dict[str, None] = {}
    while len(found) < size:
        syllables = max(1, int(len(found) ** 0.14) + rng.randrange(2))
        found["".join(rng.choice(_SYLLABLES) for _ in range(syllables))] = None
    return list(found)


def texts(count: int, words: int, vocabulary: Sequence[str]) -> Iterator[str]:
    """Messages whose lengths spread as people's do, and whose words follow a Zipf-Mandelbrot law."""
    rng = random.Random(1)
    weights = list(itertools.accumulate(1 / (rank + 2.7) ** 1.05 for rank in range(len(vocabulary))))
    pool = rng.choices(vocabulary, cum_weights=weights, k=2_000_000)
    for _ in range(count):
        length = max(3, min(words * 6, int(rng.lognormvariate(math.log(words * 0.85), 0.55))))
        start = rng.randrange(len(pool) - length)
        # A piece and its rest in another place, so that no two messages share long runs.
        middle = rng.randrange(length)
        other = rng.randrange(len(pool) - length)
        yield " ".join(pool[start : start + middle] + pool[other : other + length - middle])


def fill(engine: SqliteEngine, peer: apsw.Connection, messages: Iterator[str]) -> tuple[int, int]:
    """Write the messages into a store, and into the peer's table; how many there are, and the bytes of their text."""
    peer.execute("PRAGMA journal_mode = WAL")
    peer.execute("PRAGMA synchronous = NORMAL")
    peer.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, content TEXT)")
    count = size = 0
    while batch := list(itertools.islice(messages, _BATCH)):
        rows = [_row(number, text) for number, text in enumerate(batch, count + 1)]
        engine.write(lambda tx, rows=rows: _insert(tx, rows))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        with peer:
            peer.executemany("INSERT INTO message VALUES (?, ?)", enumerate(batch, count + 1))
        count += len(batch)
        size += sum(map(len, batch))
    return count, size


def _row(number: int, text: str) -> dict[str, object]:
    at = 1_600_000_000_000_000 + number * 1_000_000
    body = {"id": f"m{number}", "role": "user", "parts": [{"type": "text", "text": text}]}
    return {
        "owner": OWNER,
        "conversation": (number - 1) // _PER_CONVERSATION + 1,
        "seq": (number - 1) % _PER_CONVERSATION + 1,
        "id": f"m{number}",
        "at": at,
        "body": json.dumps(body),
    }


def _insert(tx: Transaction, rows: list[dict[str, object]]) -> None:
    tx.many(
        "INSERT INTO conversation (pk, owner, id, created_at, updated_at)"
        " VALUES (:conversation, :owner, 'c' || :conversation, :at, :at) ON CONFLICT DO NOTHING",
        rows,
    )
    tx.many(
        "INSERT INTO message (owner, conversation_pk, seq, id, role, created_at, body)"
        " VALUES (:owner, :conversation, :seq, :id, 'user', :at, :body)",
        rows,
    )


def build_peer(peer: apsw.Connection) -> float:
    """Index the peer's messages; the seconds it took."""
    start = time.perf_counter()
    peer.execute(
        "CREATE VIRTUAL TABLE fts USING fts5(content, content='message', content_rowid='id',"
        " tokenize='unicode61 remove_diacritics 2')"
    )
    peer.execute("INSERT INTO fts (fts) VALUES ('rebuild')")
    return time.perf_counter() - start


def queries(vocabulary: Sequence[str], per_class: int) -> dict[str, list[str]]:
    """What is asked, by class."""
    rng = random.Random(2)

    def word(low: int, high: int) -> str:
        return vocabulary[rng.randrange(low, high)]

    return {
        "rare word": [word(60_000, 150_000) for _ in range(per_class)],
        "medium word": [word(1_500, 4_000) for _ in range(per_class)],
        "common word": [word(5, 60) for _ in range(per_class // 2)],
        "two words": [f"{word(100, 800)} {word(800, 4_000)}" for _ in range(per_class)],
        "phrase": [f'"{word(20, 200)} {word(20, 200)}"' for _ in range(per_class)],
        "prefix of 5": [f"{word(20_000, 60_000)[:5]}*" for _ in range(per_class)],
        "prefix of 3": [f"{word(20_000, 60_000)[:3]}*" for _ in range(per_class // 2)],
        "prefix of 2": [f"{word(20_000, 60_000)[:2]}*" for _ in range(per_class // 4)],
    }


def measure(index: SearchIndex, peer: apsw.Connection, asked: Sequence[str], *, newest: bool, slow_peer: int) -> Timing:
    """Each query in turn, both ways; the peer answers at most ``slow_peer`` of them."""
    sql = _PEER_NEWEST if newest else _PEER_RANKED
    ours, theirs, matches = [], [], []
    for number, query in enumerate(asked):
        ours.append(_timed(lambda query=query: index.search(OWNER, query, newest=newest, limit=TOP)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        if number < slow_peer:
            theirs.append(_timed(lambda query=query: peer.execute(sql, (query,)).fetchall()))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            row = peer.execute("SELECT count(*) FROM fts WHERE fts MATCH ?", (query,)).fetchone()
            matches.append(float(row[0]) if row else 0.0)
    return Timing(ours, theirs, _quantile(matches, 0.5))


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _quantile(values: Sequence[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))] if ordered else math.nan


def _report(title: str, timings: dict[str, Timing]) -> None:
    print("\n" + title + "\n")
    print("| class | matches | Chatkeep p50 / p99 | FTS5 p50 / p99 | ratio of p50 |")
    print("|---|---:|---:|---:|---:|")
    for name, timing in timings.items():
        ours, theirs = _quantile(timing.ours, 0.5), _quantile(timing.peer, 0.5)
        print(
            f"| {name} | {timing.matches:,.0f} | {ours * 1e3:.2f} / {_quantile(timing.ours, 0.99) * 1e3:.2f} ms"
            f" | {theirs * 1e3:.2f} / {_quantile(timing.peer, 0.99) * 1e3:.2f} ms | {theirs / ours:.1f} x |"
        )


def build(
    directory: Path, index: SearchIndex, engine: SqliteEngine, peer: apsw.Connection, made: Iterator[str]
) -> None:
    """Write the messages and index them both ways."""
    start = time.perf_counter()
    count, size = fill(engine, peer, made)
    print(f"{count:,} messages, {size / 1e6:,.0f} MB of text, written in {time.perf_counter() - start:.1f} s")
    peer_before = (directory / "peer.db").stat().st_size
    ours_s = _timed(lambda: index.catch_up(None))
    peer_s = build_peer(peer)
    peer_bytes = (directory / "peer.db").stat().st_size - peer_before
    ours_bytes = index.sizes()["search.db"]
    print("\n| index | build | messages/s | MB/s | bytes of index / text |\n|---|---:|---:|---:|---:|")
    for name, seconds, taken in (("Chatkeep", ours_s, ours_bytes), ("FTS5", peer_s, peer_bytes)):
        rates = f"{count / seconds:,.0f} | {size / seconds / 1e6:.1f}"
        print(f"| {name} | {seconds:.1f} s | {rates} | {taken / size:.2f} |")


def run(directory: Path, *, messages: int, words: int, per_class: int, slow_peer: int) -> None:
    """Build everything in ``directory``, unless an earlier run did, and print the tables."""
    known = vocabulary(VOCABULARY)
    print(f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, {os.cpu_count()} processors")
    is_built = (directory / "peer.db").exists()
    peer = apsw.Connection(str(directory / "peer.db"))
    # As much as a reader of ours has.
    peer.execute("PRAGMA cache_size = -65536")
    engine = SqliteEngine.open(directory / "store")
    index = SearchIndex(engine, directory / "store")
    if not is_built:
        build(directory, index, engine, peer, texts(messages, words, known))
    asked = queries(known, per_class)
    with SearchIndex(engine, directory / "store") as other:
        # Once unmeasured, so that neither pays for the disk; what our index remembers of words is not carried over.
        for newest in (False, True):
            for some in asked.values():
                measure(other, peer, some, newest=newest, slow_peer=slow_peer)
    for newest in (False, True):
        timings = {
            name: measure(index, peer, some, newest=newest, slow_peer=len(some) if newest else slow_peer)
            for name, some in asked.items()
        }
        _report(f"Top {TOP} with snippets, {'newest first' if newest else 'ranked'}:", timings)
    index.close()
    engine.close()
    peer.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--queries", type=int, default=60, help="of each class")
    parser.add_argument(
        "--peer-queries", type=int, default=12, help="ranked ones that the peer is asked, of each class"
    )
    parser.add_argument("--directory", type=Path, help="where to build and keep; an earlier run there is asked again")
    given = parser.parse_args(argv)
    options = {
        "messages": given.messages,
        "words": given.words,
        "per_class": given.queries,
        "slow_peer": given.peer_queries,
    }
    if given.directory is not None:
        given.directory.mkdir(parents=True, exist_ok=True)
        run(given.directory, **options)
        return
    with tempfile.TemporaryDirectory(prefix="chatkeep-search-") as place:
        run(Path(place), **options)


if __name__ == "__main__":
    main()
