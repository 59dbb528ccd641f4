"""Chatkeep: the durable home of AI-chat data.

``chatkeep.open()`` gives a :class:`~chatkeep.keep.Keep`; everything else is reached from it. Names are imported when
they are first used, so that importing the package costs next to nothing. The errors that callers catch most are here;
all of them, with what they mean, are in :mod:`chatkeep.errors`, and all derive from ``ChatkeepError``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from chatkeep.errors import AmbiguousIdError as AmbiguousIdError
    from chatkeep.errors import ChatkeepError as ChatkeepError
    from chatkeep.errors import ConflictError as ConflictError
    from chatkeep.errors import ConversationNotFoundError as ConversationNotFoundError
    from chatkeep.errors import DuplicateError as DuplicateError
    from chatkeep.errors import MessageNotFoundError as MessageNotFoundError
    from chatkeep.errors import NotFoundError as NotFoundError
    from chatkeep.errors import ReplyExistsError as ReplyExistsError
    from chatkeep.errors import StoreBusyError as StoreBusyError
    from chatkeep.errors import StoreClosedError as StoreClosedError
    from chatkeep.errors import StoreError as StoreError
    from chatkeep.errors import StoreFullError as StoreFullError
    from chatkeep.errors import StreamLostError as StreamLostError
    from chatkeep.errors import TrashedError as TrashedError
    from chatkeep.errors import UnreadableSourceError as UnreadableSourceError
    from chatkeep.errors import UsageError as UsageError
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
    from chatkeep.store.branches import Branch as Branch
    from chatkeep.store.changes import Change as Change

__all__ = [
    "AmbiguousIdError",
    "Attachment",
    "AttachmentRef",
    "Branch",
    "Change",
    "ChatkeepError",
    "Citation",
    "Code",
    "ConflictError",
    "Conversation",
    "ConversationNotFoundError",
    "ConversationSummary",
    "DuplicateError",
    "Keep",
    "Message",
    "MessageNotFoundError",
    "NotFoundError",
    "Page",
    "Project",
    "RawPart",
    "ReplyExistsError",
    "StoreBusyError",
    "StoreClosedError",
    "StoreError",
    "StoreFullError",
    "StreamLostError",
    "Tag",
    "Text",
    "Thinking",
    "ToolCall",
    "ToolResult",
    "TrashedError",
    "UnreadableSourceError",
    "Usage",
    "UsageError",
    "open",
]

_PLACES = (
    dict.fromkeys(__all__, "chatkeep.model")
    | {name: "chatkeep.errors" for name in __all__ if name.endswith("Error")}
    | {"Keep": "chatkeep.keep", "Branch": "chatkeep.store.branches", "Change": "chatkeep.store.changes"}
)


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
