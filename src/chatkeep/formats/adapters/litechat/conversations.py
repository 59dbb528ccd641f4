"""One conversation with its interactions, however they were found in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from chatkeep.formats.json_stream import fingerprint, loads
from chatkeep.formats.protocol import Record, Skipped, SourceConversation
from chatkeep.formats.values import Fields, Problems

from .arranging import arrange
from .messages import Messages
from .projects import Projects
from .secrets import without_secrets
from .turns import Turn

name = "litechat"
revision = 1


def record_of(
    value: Any,
    interactions: Callable[[], Iterable[bytes | Skipped]],
    raw: bytes,
    projects: Projects,
    where: str,
) -> Record | Skipped:
    """A record of a conversation that was decoded, with interactions that were not.

    Args:
        value: The conversation itself.
        interactions: Gives the raw interactions, each time anew.
        raw: All that the conversation is made of, or digests of it.
        projects: What the file says of projects.
        where: Place of the conversation, for reports.
    """
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not value["id"]:
        return Skipped(where, "not a conversation with an id")
    return Record(
        where=where,
        fingerprint=fingerprint(name, revision, raw, projects.raw(value.get("projectId"))),
        load=partial(_conversation, value, interactions, projects, where),
    )


def _conversation(
    value: Any, interactions: Callable[[], Iterable[bytes | Skipped]], projects: Projects, where: str
) -> SourceConversation:
    problems = Problems(where)
    fields = Fields(value, problems)
    source_id = fields.text("id") or ""
    project_id = fields.text("projectId")
    project = projects.of(project_id, problems)
    metadata = fields.fields("metadata")
    settings = {
        key: found
        for key, found in (
            ("enabledTools", metadata.listing("enabledTools")),
            ("toolMaxStepsOverride", metadata.integer("toolMaxStepsOverride")),
        )
        if found not in (None, [])
    }
    arranged = arrange(list(_turns(interactions(), source_id, problems)), problems)
    messages = Messages()
    made = tuple(messages.make(placed) for placed in arranged.messages)
    title = fields.text("title")
    created_at, updated_at = fields.time_from_iso("createdAt"), fields.time_from_iso("updatedAt")
    extra = without_secrets(fields.rest())
    if project_id and project is None:
        extra["projectId"] = project_id
    if rest := without_secrets(metadata.rest()):
        extra["metadata"] = rest
    return SourceConversation(
        source_id=source_id,
        title=title,
        project=project,
        created_at=created_at,
        updated_at=updated_at,
        head_id=arranged.head_id,
        settings=settings,
        messages=made,
        attachments=tuple(messages.attachments.values()),
        problems=problems.found(),
        extra=extra,
    )


def _turns(items: Iterable[bytes | Skipped], conversation_id: str, problems: Problems) -> Iterable[Turn]:
    seen: set[str] = set()
    for number, item in enumerate(items, start=1):
        if isinstance(item, Skipped):
            problems.add_all((item,))
            continue
        place = problems.at(f"interaction {number}")
        try:
            value = loads(item, problems=place)
        except ValueError as error:
            place.add("", f"not JSON: {error}")
            continue
        if not isinstance(value, dict):
            place.add("", "not an object")
            continue
        own_id = value.get("id")
        if not isinstance(own_id, str) or not own_id or own_id in seen:
            place.add("id", "missing, not text, or used before")
            own_id = f"{conversation_id}:interaction-{number}"
        seen.add(own_id)
        yield Turn(value, own_id, conversation_id, problems.at(f"interaction {own_id[:40]}"))
