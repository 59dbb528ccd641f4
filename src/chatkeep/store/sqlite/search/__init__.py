"""Search over a SQLite store."""

from chatkeep.store.sqlite.search.index import SearchIndex

__all__ = ["SearchIndex"]
