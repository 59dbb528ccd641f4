"""The store on SQLite."""

from chatkeep.store.sqlite.connections import Durability
from chatkeep.store.sqlite.engine import SqliteEngine
from chatkeep.store.sqlite.presence import FilePresence

__all__ = ["Durability", "FilePresence", "SqliteEngine"]
