"""Telling a ChatGPT export from those that look like it."""

from __future__ import annotations

import re

from chatkeep.formats.adapters.chatgpt.files import last_segment
from chatkeep.formats.protocol import Probe

SHARD = re.compile(r"conversations-(\d{3,12})\.json")

# Keys: a quote inside a string would be escaped, so these bytes occur in no message.
_MAPPING = re.compile(rb'"mapping"\s*:\s*\{')
_OURS = re.compile(rb'"(?:author|content_type|conversation_id|current_node|default_model_slug|moderation_results)"\s*:')
_OTHERS = re.compile(rb'"(?:inserted_at|chat_messages)"\s*:')
_FRAGMENTS = re.compile(rb'"fragments"\s*:\s*\[')


def recognises(probe: Probe) -> bool:
    """See :class:`chatkeep.formats.protocol.FormatAdapter`."""
    if probe.kind == "sqlite" or is_other(probe.head):
        return False
    return holds_chats(probe.head) or _is_laid_out_so(probe)


def holds_chats(head: bytes) -> bool:
    """Whether a file that begins so holds conversations in this format."""
    return head.lstrip()[:1] in (b"[", b"{") and bool(_MAPPING.search(head)) and bool(_OURS.search(head))


def is_other(head: bytes) -> bool:
    """Whether it is certainly another app's: DeepSeek has a ``mapping`` too, Claude the same file name."""
    return bool(_OTHERS.search(head)) or (bool(_FRAGMENTS.search(head)) and not _OURS.search(head))


def _is_laid_out_so(probe: Probe) -> bool:
    """By names alone: a new account's chats are ``[]``, and a damaged file shows nothing."""
    if probe.head.strip() not in (b"", b"[]") and not _MAPPING.search(probe.head):
        return False
    bases = {last_segment(name) for name in probe.names}
    has_chats = "conversations.json" in bases or any(SHARD.fullmatch(base) for base in bases)
    return has_chats and {"chat.html", "user.json"} <= bases
