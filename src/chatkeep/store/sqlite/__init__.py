"""The store on SQLite."""

from chatkeep.store.sqlite.connections import Durability
from chatkeep.store.sqlite.engine import SqliteEngine

__all__ = ["Durability", "SqliteEngine"]
