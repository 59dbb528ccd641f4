"""The Chorus desktop app: its `chats.db` of any schema version, alone, in an instance directory, or in a backup."""

from __future__ import annotations

from chatkeep.formats.adapters.chorus_app.reading import name, read, recognises, revision, title

__all__ = ["name", "read", "recognises", "revision", "title"]
