"""BM25 inside SQLite, with the weight of each phrase given from outside.

FTS5's own ``bm25()`` walks all matches of every phrase at each query to learn how rare it is, and cannot rank a part of
the matches without that. Here the rarity is looked up once and remembered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import apsw

K1 = 1.2
B = 0.75
_LEAST_WEIGHT = 1e-6


def weight(documents: int, of: int) -> float:
    """How much a phrase found in so many documents of so many tells (its inverse document frequency)."""
    documents = min(documents, of)
    return max(math.log((of - documents + 0.5) / (documents + 0.5)), _LEAST_WEIGHT)


class Scoring:
    """The SQL function ``score(fts)`` of one connection; for one query at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._weights: Sequence[tuple[int, float]] = ()
        self._norm = (K1, 0.0)
        connection.register_fts5_function("score", self._score)

    def prepare(self, weights: Sequence[float], average_length: float) -> None:
        """Weights by the number of the phrase in the query; the mean count of words in a document."""
        self._weights = [(number, value) for number, value in enumerate(weights) if value > 0]
        self._norm = (K1 * (1 - B), K1 * B / max(average_length, 1.0))

    def _score(self, row: apsw.FTS5ExtensionApi, *_: apsw.SQLiteValue) -> float:
        base, per_word = self._norm
        damping = base + per_word * row.column_size(0)
        total = 0.0
        for number, value in self._weights:
            count = len(row.phrase_locations(number)[0])
            if count:
                total += value * count * (K1 + 1) / (count + damping)
        return total
