"""Digests of what a person would call the same conversation.

Left out is what says nothing of the content: counters derived from the messages, ``seq`` (the order of arrival here)
and ``version``. So two imports in different orders, or a restore into another store, give equal digests.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from chatkeep.encoding.canonical import canonical_bytes
from chatkeep.model import Conversation, Message, Usage

_NO_USAGE = Usage()


def message_digest(message: Message) -> bytes:
    """SHA-256 of a message without its ``seq``."""
    return sha256(canonical_bytes(msgspec.structs.replace(message, seq=0))).digest()


def conversation_digest(conversation: Conversation, messages: Iterable[Message]) -> str:
    """SHA-256 (hex) of a header and all of its messages, in whatever order they come."""
    header = msgspec.structs.replace(
        conversation,
        message_count=0,
        preview="",
        usage=_NO_USAGE,
        cost_nanos=None,
        models=(),
        source_digest=None,
        version=1,
    )
    total = sha256(canonical_bytes(header))
    for id, digest in sorted((message.id, message_digest(message)) for message in messages):
        total.update(id.encode())
        total.update(digest)
    return total.hexdigest()
