"""What a person means by the words that she typed: conversations, projects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from chatkeep.errors import AmbiguousIdError, ProjectNotFoundError

if TYPE_CHECKING:
    from chatkeep.keep import Keep
    from chatkeep.model import Project


def path(text: str) -> Path:
    """A path as it was typed; ``~`` is a home directory, unless nobody has it: then the name just begins so."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def conversation_ids(keep: Keep, texts: Iterable[str]) -> list[str]:
    """Full ids, each once, in the order given: nothing is begun if one of them fits nothing, or several.

    Raises:
        ConversationNotFoundError, AmbiguousIdError: As they say.
    """
    return list(dict.fromkeys(keep.conversations.resolve(text) for text in texts))


def message_id(keep: Keep, conversation_id: str, text: str) -> str:
    """The full id of a message of a conversation, from a unique beginning or end of it, or its source's id.

    Raises:
        MessageNotFoundError, AmbiguousIdError: As they say.
    """
    from chatkeep.errors import MessageNotFoundError

    found: set[str] = set()
    cursor = None
    while True:
        page = keep.messages.list(conversation_id, limit=1000, cursor=cursor)
        for message in page.items:
            if text == message.id:
                return text
            if message.id.startswith(text) or message.id.endswith(text) or message.source_id == text:
                found.add(message.id)
        cursor = page.next
        if cursor is None:
            break
    if not found:
        raise MessageNotFoundError(text)
    if len(found) > 1:
        raise AmbiguousIdError(text, tuple(sorted(found)))
    return found.pop()


def project(keep: Keep, text: str) -> Project:
    """A project by id or by name.

    Raises:
        ProjectNotFoundError, AmbiguousIdError: As they say; several projects may have one name.
    """
    try:
        return keep.projects.get(text)
    except ProjectNotFoundError:
        found = keep.projects.find(text)
    if not found:
        raise ProjectNotFoundError(text)
    if len(found) > 1:
        raise AmbiguousIdError(text, tuple(match.id for match in found))
    return found[0]


def all_projects(keep: Keep) -> list[Project]:
    """Every project, by name."""
    found: list[Project] = []
    cursor = None
    while True:
        page = keep.projects.list(cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def project_names(keep: Keep, ids: Iterable[str | None]) -> dict[str, str]:
    """Names of those projects among ``ids`` that exist; asks nothing if there are none."""
    wanted = {id for id in ids if id is not None}
    if not wanted:
        return {}
    return {project.id: project.name for project in all_projects(keep) if project.id in wanted}
