"""The store: the contract, the collections, the change log and search, over an engine."""

from chatkeep.store.branches import Branch
from chatkeep.store.changes import Change, ChangePage
from chatkeep.store.listing import Filter
from chatkeep.store.store import Store

__all__ = ["Branch", "Change", "ChangePage", "Filter", "Store"]
