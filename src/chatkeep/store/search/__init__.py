"""What search means, whatever the engine: words, the query language, documents, snippets and results."""

from chatkeep.store.search.query import Query, parse
from chatkeep.store.search.results import Hit, SearchResult

__all__ = ["Hit", "Query", "SearchResult", "parse"]
