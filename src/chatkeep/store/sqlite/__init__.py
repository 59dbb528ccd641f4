"""The store on SQLite."""

from chatkeep.store.sqlite.engine import SqliteEngine

__all__ = ["SqliteEngine"]
