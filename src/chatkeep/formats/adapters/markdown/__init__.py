"""Markdown transcripts for people and note-taking programs; described in ``docs/formats/markdown.md``."""

from chatkeep.formats.adapters.markdown.writing import name, title, write

__all__ = ["name", "title", "write"]
