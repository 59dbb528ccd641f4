"""LiteChat: full exports, single conversations, all conversations, project trees, synchronised folders."""

from __future__ import annotations

from chatkeep.formats.adapters.litechat.reading import name, read, recognises, revision, title

__all__ = ["name", "read", "recognises", "revision", "title"]
