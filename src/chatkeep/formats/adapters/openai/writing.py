"""Writing one line of JSON per conversation, in the shape that fine-tuning takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from chatkeep.formats.adapters.openai.messages import Images, Thread
from chatkeep.formats.protocol import ExportRecord, Written
from chatkeep.formats.writing import LeftOut, new_file

name = "openai"
title = "OpenAI messages (JSONL)"


def write(records: Iterable[ExportRecord], destination: Path, *, images: Images = "leave-out") -> Written:
    """One file; see :class:`chatkeep.formats.protocol.FormatWriter`.

    Args:
        records: What to write; a conversation without a message that has a place here gives no line.
        destination: The file to make.
        images: ``data-url`` puts images of user messages into the file, in base64.
    """
    encode = msgspec.json.Encoder().encode
    conversations = messages = attachments = missing = 0
    left_out = LeftOut()
    with new_file(destination) as stream:
        for record in records:
            thread = Thread(record, images=images)
            lines = thread.messages()
            if lines:
                stream.write(encode({"messages": lines}) + b"\n")
                conversations += 1
                messages += len(lines)
            else:
                thread.left_out["conversation without messages for this format"] += 1
            attachments += thread.attachments
            missing += thread.missing
            left_out.add(record.conversation.id, thread.left_out)
    return Written(
        conversations=conversations,
        messages=messages,
        attachments=attachments,
        missing_attachments=missing,
        files=(destination,),
        left_out=left_out.found(),
    )
