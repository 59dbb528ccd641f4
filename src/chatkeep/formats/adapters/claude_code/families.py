"""Sessions that were continued or forked in files of their own, which repeat what came before."""

from __future__ import annotations

import msgspec

from chatkeep.formats.protocol import SourceAttachment, SourceConversation, SourceMessage


def combined(found: list[SourceConversation]) -> SourceConversation:
    """One conversation of files that begin with the same message; the last one tells what is shown.

    Each message is there once, however many files repeat it; where the files part, there is a branch.
    """
    last = found[-1]
    if len(found) == 1:
        return last
    messages: dict[str, SourceMessage] = {}
    attachments: dict[str, SourceAttachment] = {}
    for conversation in found:
        messages.update((message.source_id, message) for message in conversation.messages)
        for attachment in conversation.attachments:
            known = attachments.get(attachment.source_id)
            if known is None or known.open is None:
                attachments[attachment.source_id] = attachment
    others = {
        name: None
        for conversation in found
        for name in (conversation.session_id, *conversation.extra.get("sessionIds", ()))
        if name is not None and name != last.session_id
    }
    times = [conversation.updated_at for conversation in found if conversation.updated_at is not None]
    return msgspec.structs.replace(
        last,
        title=last.title or next((item.title for item in reversed(found) if item.title), None),
        tags=tuple(dict.fromkeys(tag for conversation in found for tag in conversation.tags)),
        updated_at=max(times, default=None),
        messages=tuple(messages.values()),
        attachments=tuple(attachments.values()),
        problems=tuple(problem for conversation in found for problem in conversation.problems),
        extra={**last.extra, "sessionIds": list(others)},
    )
