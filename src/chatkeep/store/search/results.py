"""What a search answers with."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or the title of a conversation, that fits a query."""

    conversation_id: str
    message_id: str | None
    """None when the conversation's title was found."""
    title: str | None
    """Of the conversation."""
    role: str | None = None
    model: str | None = None
    created_at: datetime
    snippet: str = ""
    """About 160 characters around the best place, whitespace joined; cut ends carry an ellipsis."""
    marks: tuple[tuple[int, int], ...] = ()
    """Start and end, in characters of ``snippet``, of what was found."""
    score: float | None = None
    """Higher is better, comparable within one answer; None when the order is by time."""
    source: str | None = None
    """Name of the format that the conversation was imported from."""
    project_id: str | None = None


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """One page of what a query finds."""

    query: str
    hits: list[Hit]
    behind: int = 0
    """How many committed changes the index has not seen yet; hits may be missing until it is 0."""
    ranked_window: int | None = None
    """None: all that fits was ranked. Otherwise so many matches, the newest, were ranked and older ones left out;
    0 means that the words are too common to rank and the order is newest first."""
    next: str | None = None
    """The cursor of the following page; None at the end."""
