"""What Chatkeep keeps, as immutable values."""

from chatkeep.model.attachment import Attachment, AttachmentKind
from chatkeep.model.conversation import Conversation, ConversationKind, ConversationSummary
from chatkeep.model.ids import derived_id, new_id
from chatkeep.model.library import Project, Tag
from chatkeep.model.message import (
    ROLES,
    AttachmentRef,
    Citation,
    Code,
    Message,
    Part,
    RawPart,
    Role,
    Status,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from chatkeep.model.money import to_dollars, to_nanos
from chatkeep.model.page import Page
from chatkeep.model.source import SourceKey
from chatkeep.model.time import EPOCH, from_iso, from_seconds, from_us, to_iso, to_us, utc_now

__all__ = [
    "EPOCH",
    "ROLES",
    "Attachment",
    "AttachmentKind",
    "AttachmentRef",
    "Citation",
    "Code",
    "Conversation",
    "ConversationKind",
    "ConversationSummary",
    "Message",
    "Page",
    "Part",
    "Project",
    "RawPart",
    "Role",
    "SourceKey",
    "Status",
    "Tag",
    "Text",
    "Thinking",
    "ToolCall",
    "ToolResult",
    "Usage",
    "derived_id",
    "from_iso",
    "from_seconds",
    "from_us",
    "new_id",
    "to_dollars",
    "to_iso",
    "to_nanos",
    "to_us",
    "utc_now",
]
