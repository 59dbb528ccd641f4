"""ChatGPT's data export: a zip or folder whose ``conversations.json`` holds a tree of messages per conversation.

Read whole: every branch, tool call, thought, citation and file, with ratings and file names from the side files. What
each field becomes is in ``docs/formats/chatgpt.md``.
"""

from chatkeep.formats.adapters.chatgpt.export import NAME, REVISION, read
from chatkeep.formats.adapters.chatgpt.recognising import recognises

name = NAME
title = "ChatGPT data export"
revision = REVISION

__all__ = ["name", "read", "recognises", "revision", "title"]
