"""Chatkeep: the durable home of AI-chat data.

``chatkeep.open()`` gives a :class:`~chatkeep.keep.Keep`; everything else is reached from it. Names are imported when
they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from chatkeep.errors import ChatkeepError as ChatkeepError
    from chatkeep.keep import Keep as Keep
    from chatkeep.model import Attachment as Attachment
    from chatkeep.model import AttachmentRef as AttachmentRef
    from chatkeep.model import Citation as Citation
    from chatkeep.model import Code as Code
    from chatkeep.model import Conversation as Conversation
    from chatkeep.model import ConversationSummary as ConversationSummary
    from chatkeep.model import Message as Message
    from chatkeep.model import Page as Page
    from chatkeep.model import Project as Project
    from chatkeep.model import RawPart as RawPart
    from chatkeep.model import Tag as Tag
    from chatkeep.model import Text as Text
    from chatkeep.model import Thinking as Thinking
    from chatkeep.model import ToolCall as ToolCall
    from chatkeep.model import ToolResult as ToolResult
    from chatkeep.model import Usage as Usage

__all__ = [
    "Attachment",
    "AttachmentRef",
    "ChatkeepError",
    "Citation",
    "Code",
    "Conversation",
    "ConversationSummary",
    "Keep",
    "Message",
    "Page",
    "Project",
    "RawPart",
    "Tag",
    "Text",
    "Thinking",
    "ToolCall",
    "ToolResult",
    "Usage",
    "open",
]

_PLACES = dict.fromkeys(__all__, "chatkeep.model") | {"Keep": "chatkeep.keep", "ChatkeepError": "chatkeep.errors"}


def open(  # the call reads chatkeep.open(...)
    where: str | Path | None = None, *, owner: str = "local", read_only: bool = False, durability: str = "full"
) -> Keep:
    """Open a store, made on first use; close it, or use it as a context manager.

    Args:
        where: None for Chatkeep's own instance, a text for the instance of that app id, a Path for a directory.
        owner: Whose chats; one store can hold many people's.
        read_only: Change nothing, not even derived files.
        durability: ``full``: what a call acknowledged survives a power cut; ``process``: it survives a crash of the
            program, and perhaps not of the machine, and is several times faster.

    Raises:
        InstanceError, StoreUnavailableError: The directory or its files cannot be used; the message says what to do.
    """
    from chatkeep.keep import open_keep

    return open_keep(where, owner=owner, read_only=read_only, durability=durability)


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'chatkeep' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(place), name)


def __dir__() -> list[str]:
    return sorted(__all__)
