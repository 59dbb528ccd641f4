"""How rare the words of a query are in the index."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import apsw

from chatkeep.store.engine import Engine
from chatkeep.store.search.patterns import check_of
from chatkeep.store.search.query import Term
from chatkeep.store.sqlite.search.batch import messages_of
from chatkeep.store.sqlite.search.scoring import weight

_REMEMBERED = 10_000
_LARGE_CHANGE = 0.05
_DEFAULT_COUNT = 1_000
_FEW_DOCUMENTS = 20_000
_SAMPLE = 200
_HEAVY_SHARE = 0.2
_LARGE_SAMPLE = 8_192
_COMMON_SHARE = 0.25
_SINCE = "SELECT count(*) FROM fts WHERE fts MATCH ? AND rowid > ?"
_BOUNDED = "SELECT count(*) FROM (SELECT 1 FROM fts WHERE fts MATCH ? LIMIT ?)"
_NEWEST = "SELECT pk FROM doc WHERE pk > 0 ORDER BY pk DESC LIMIT ?"


class Rarity:
    """Counts of documents that hold a word, remembered until the index has grown by a twentieth."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._heavy: dict[str, bool] = {}
        self._total = 0

    def weights(
        self, connection: apsw.Connection, groups: Sequence[Sequence[Term]], excluded: Sequence[Term]
    ) -> tuple[list[float], float]:
        """What the phrases of a query weigh, and how many words a document has on average.

        The weights are in the order of the match expression; what must not be found weighs 0.
        """
        total, words = totals(connection)
        self._forget_if_changed(total)
        terms = [term for group in groups for term in group]
        # What a single phrase weighs changes no order, and counting a common one costs as much as ranking.
        found = [1.0] if len(terms) == 1 else [weight(self._documents(connection, term), total) for term in terms]
        return [*found, *(0.0 for _ in excluded)], words / max(total, 1)

    def are_few(self, connection: apsw.Connection, groups: Sequence[Sequence[Term]], most: int) -> bool:
        """Whether the words tell without looking at positions that at most so many documents fit."""
        self._forget_if_changed(totals(connection)[0])
        return any(
            not any(term.prefix for term in group)
            and sum(min(self._count_to(connection, word, most) for word in term.words) for term in group) <= most
            for group in groups
        )

    def is_in_most(self, connection: apsw.Connection, word: str) -> bool:
        """Whether more than half of the documents hold a word."""
        total, _ = totals(connection)
        self._forget_if_changed(total)
        if total > _FEW_DOCUMENTS and word not in self._counts:
            last = connection.execute("SELECT max(pk) FROM doc").fetchone()
            sample = connection.execute(_SINCE, (f'"{word}"', (last or (0,))[0] - _LARGE_SAMPLE)).fetchone()
            if sample is not None and sample[0] < _LARGE_SAMPLE * _COMMON_SHARE:
                return False
        return self._count(connection, word) * 2 > total

    def is_heavy(self, engine: Engine, connection: apsw.Connection, term: Term) -> bool:
        """Whether so many messages hold words with this beginning that the index takes long to put them in order.

        Told by reading a few of the newest: the index knows only by doing it.
        """
        total, _ = totals(connection)
        if total < _FEW_DOCUMENTS:
            return False
        self._forget_if_changed(total)
        key = " ".join(term.words)
        known = self._heavy.get(key)
        if known is None:
            pks = [row[0] for row in connection.execute(_NEWEST, (_SAMPLE,))]
            check = check_of([[term]], (), substring=False)
            found = sum(check(entry.text) for entry in engine.read(lambda tx: messages_of(tx, pks))[0])
            known = found > len(pks) * _HEAVY_SHARE
            with self._lock:
                self._heavy[key] = known
        return known

    def _documents(self, connection: apsw.Connection, term: Term) -> int:
        """Of a phrase, those of its rarest word: a bound that needs no look at positions."""
        whole = term.words[:-1] if term.prefix else term.words
        counts = [self._count(connection, word) for word in whole]
        # Counting all words with a beginning costs as much as the query itself.
        return min(counts, default=_DEFAULT_COUNT)

    def _count_to(self, connection: apsw.Connection, word: str, most: int) -> int:
        """How many documents hold a word, or one more than ``most`` if those are more."""
        known = self._counts.get(word)
        if known is None:
            row = connection.execute(_BOUNDED, (f'"{word}"', most + 1)).fetchone()
            known = int(row[0]) if row else 0
            if known <= most:
                self._remember(word, known)
        return min(known, most + 1)

    def _count(self, connection: apsw.Connection, word: str) -> int:
        known = self._counts.get(word)
        if known is None:
            row = connection.execute("SELECT doc FROM temp.vocabulary WHERE term = ?", (word[:10_000],)).fetchone()
            known = int(row[0]) if row else 0
            self._remember(word, known)
        return known

    def _remember(self, word: str, count: int) -> None:
        with self._lock:
            if len(self._counts) >= _REMEMBERED:
                self._counts.clear()
            self._counts[word] = count

    def _forget_if_changed(self, total: int) -> None:
        with self._lock:
            if abs(total - self._total) > _LARGE_CHANGE * self._total:
                self._counts.clear()
                self._heavy.clear()
                self._total = total


def totals(connection: apsw.Connection) -> tuple[int, int]:
    """How many documents the index has, and how many words in all."""
    row = connection.execute("SELECT block FROM fts_data WHERE id = 1").fetchone()
    return _averages(bytes(row[0])) if row is not None else (0, 0)


def _averages(record: bytes) -> tuple[int, int]:
    """FTS5's record of totals, in SQLite's variable-length integers: the count of rows, then of words per column."""
    numbers: list[int] = []
    at = 0
    while at < len(record) and len(numbers) < 2:
        value = 0
        for _ in range(9):
            byte = record[at]
            at += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80 or at >= len(record):
                break
        numbers.append(value)
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)
