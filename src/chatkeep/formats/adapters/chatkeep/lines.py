"""The lines of the format, as values; the writer encodes them, the reader checks what it decodes against them."""

from __future__ import annotations

from typing import Literal

import msgspec

from chatkeep.model import Attachment, Conversation, Message, Project

name = "chatkeep"
title = "Chatkeep export"
revision = 1

VERSION = 1
MAGIC = b'{"chatkeep":'

CHUNK_BYTES = 768 * 1024
"""Of an attachment per line: 1 MiB in base64."""

ATTACHMENT_START = b'{"attachment":'
BYTES_START = b'{"of":'
MESSAGE_START = b'{"message":'


class HeaderLine(msgspec.Struct, frozen=True):
    """The first line."""

    chatkeep: int


class ConversationLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Begins a conversation."""

    conversation: Conversation
    project: Project | None = None


class AttachmentLine(msgspec.Struct, frozen=True):
    """An attachment.

    ``bytes`` says where its content is: in the lines after this one, or with an earlier attachment of the same
    SHA-256, or nowhere in this file.
    """

    attachment: Attachment
    bytes: Literal["follow", "before", "missing"]


class BytesLine(msgspec.Struct, frozen=True):
    """A piece of the attachment with the id ``of``, from offset ``at``; its bytes become base64 in JSON."""

    of: str
    at: int
    base64: bytes


class MessageLine(msgspec.Struct, frozen=True):
    """A message."""

    message: Message


class EndOfConversation(msgspec.Struct, frozen=True):
    """Counts and SHA-256 of the conversation's lines before this one, line ends included."""

    end_of: str
    messages: int
    attachments: int
    sha256: str


class Totals(msgspec.Struct, frozen=True):
    """How much the whole file holds; ``sha256`` is over all lines before the last."""

    conversations: int
    messages: int
    attachments: int
    sha256: str


class EndLine(msgspec.Struct, frozen=True):
    """The last line; without it the file was cut off."""

    end: Totals
