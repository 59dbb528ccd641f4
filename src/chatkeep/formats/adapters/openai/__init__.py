"""OpenAI's list of messages, as JSONL; described in ``docs/formats/openai.md``."""

from chatkeep.formats.adapters.openai.writing import name, title, write

__all__ = ["name", "title", "write"]
