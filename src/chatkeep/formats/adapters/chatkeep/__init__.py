"""Chatkeep's own format: everything that Chatkeep keeps of conversations, as newline-delimited JSON.

Described in ``docs/formats/chatkeep.md``.
"""

from chatkeep.formats.adapters.chatkeep.lines import name, revision, title
from chatkeep.formats.adapters.chatkeep.reading import read, recognises
from chatkeep.formats.adapters.chatkeep.writing import write

__all__ = ["name", "read", "recognises", "revision", "title", "write"]
