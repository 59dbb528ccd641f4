"""A conversation of a Claude.ai export or of the web API behind it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from chatkeep.formats.adapters.claude.blocks import Blocks
from chatkeep.formats.adapters.claude.documents import Documents
from chatkeep.formats.adapters.claude.files import Files, message_files
from chatkeep.formats.protocol import SourceConversation, SourceMessage, SourceProject
from chatkeep.formats.values import Fields, Problems
from chatkeep.model import EPOCH, Part, Role, Text

# The parent of a conversation's first messages.
_NO_PARENT = "00000000-0000-4000-8000-000000000000"
# Stands in `text` for every block that older phones could not show.
_FILLER = re.compile(r"```\s*This block is not supported on your current device yet\.\s*```|"
                     r"This block is not supported on your current device yet\.")  # fmt: skip
_ROLES: dict[str, Role] = {"human": "user", "user": "user", "assistant": "assistant", "system": "system"}


def conversation(
    data: dict[str, Any], *, fallback_id: str, problems: Problems, projects: dict[str, SourceProject]
) -> SourceConversation:
    """Map one conversation; ``fallback_id`` is for one that has lost its own."""
    fields = Fields(data, problems)
    uuid = fields.text("uuid")
    if not uuid:
        problems.add("uuid", "missing: this is another conversation as soon as anything in it changes")
        uuid = fallback_id
    files = Files()
    if "chat_messages" not in fields:
        problems.add("chat_messages", "missing")
    thread = _Thread(files)
    for number, item in enumerate(fields.listing("chat_messages"), start=1):
        thread.add(item, number, problems.at(f"message {number}"))
    thread.close(problems)
    settings = dict(fields.mapping("settings"))
    if model := fields.text("model"):
        settings["model"] = model
    leaf = fields.text("current_leaf_message_uuid")
    project = _project(fields, projects)
    summary = fields.text("summary")
    title = fields.text("name")
    return SourceConversation(
        source_id=uuid,
        # Message ids are meant to be global, but nothing checks them: scoped, a repeated one costs no message.
        scope=uuid,
        title=title or None,
        project=project,
        pinned=bool(fields.boolean("is_starred")),
        created_at=fields.time_from_iso("created_at"),
        updated_at=fields.time_from_iso("updated_at"),
        head_id=leaf if leaf in thread.ids else thread.newest_leaf(),
        settings=settings,
        messages=tuple(thread.messages),
        attachments=files.all(),
        extra=_extra(fields, summary, None if leaf in thread.ids else leaf),
        problems=problems.found(),
    )


def _extra(fields: Fields, summary: str | None, unknown_leaf: str | None) -> dict[str, Any]:
    # Of the account only its id: name, address and phone are nobody's business here.
    account = fields.fields("account").text("uuid")
    extra: dict[str, Any] = {"summary": summary} if summary else {}
    if account:
        extra["account"] = {"uuid": account}
    if unknown_leaf:
        extra["current_leaf_message_uuid"] = unknown_leaf
    fields.ignore("account")
    return {**extra, **fields.rest()}


def _project(fields: Fields, projects: dict[str, SourceProject]) -> SourceProject | None:
    below = fields.fields("project")
    uuid = fields.text("project_uuid") or below.text("uuid")
    if not uuid:
        return None
    return projects.get(uuid) or SourceProject(source_id=uuid, name=below.text("name") or "")


class _Thread:
    """The messages of a conversation in array order, with their parents."""

    def __init__(self, files: Files) -> None:
        self.messages: list[SourceMessage] = []
        self.ids: set[str] = set()
        self._files = files
        self._documents = Documents()
        self._chained: set[str] = set()

    def add(self, item: object, number: int, problems: Problems) -> None:
        if not isinstance(item, dict):
            problems.add("", "not a message")
            return
        fields = Fields(item, problems)
        message_id = self._id(fields, number)
        parent = self._parent(fields)
        self._documents.begin(parent)
        parts, extra = self._parts(fields, message_id)
        self._documents.end(message_id)
        role = self._role(fields)
        if role is None:
            role = "system"
            problems.add("sender", "neither human nor assistant")
        created = fields.time_from_iso("created_at")
        if item.get("updated_at") == item.get("created_at"):
            fields.ignore("updated_at")
        truncated = fields.boolean("truncated")
        self.ids.add(message_id)
        self.messages.append(
            SourceMessage(
                source_id=message_id,
                parent_id=parent,
                role=role,
                parts=tuple(parts),
                created_at=created,
                status="interrupted" if truncated else "complete",
                # Nothing to read; it stays because others may follow it.
                hidden=not parts,
                extra={**extra, **fields.rest()},
            )
        )

    def _id(self, fields: Fields, number: int) -> str:
        found = fields.text("uuid") or f"message-{number}"
        message_id, again = found, 2
        if found in self.ids:
            fields.problems.add("uuid", "another message of this conversation has it too")
            while message_id in self.ids:
                message_id, again = f"{found}#{again}", again + 1
        return message_id

    def _parent(self, fields: Fields) -> str | None:
        if "parent_message_uuid" not in fields:
            # Before late 2025 there were no branches in exports.
            return self.messages[-1].source_id if self.messages else None
        parent = fields.text("parent_message_uuid")
        return None if parent in ("", _NO_PARENT) else parent

    def _role(self, fields: Fields) -> Role | None:
        sender = fields.raw("sender")
        return _ROLES.get(sender) if isinstance(sender, str) else None

    def _parts(self, fields: Fields, message_id: str) -> tuple[list[Part], dict[str, Any]]:
        """The parts of a message, and its flattened text if it says something else."""
        blocks = Blocks(message_id, self._files, self._documents)
        content = fields.raw("content")
        if isinstance(content, str):
            fields.problems.add("content", "text where a list of blocks belongs")
            blocks.parts.append(Text(text=content))
        else:
            for number, block in enumerate(fields.listing("content"), start=1):
                blocks.add(block, fields.problems.at(f"block {number}"))
        text = fields.text("text")
        extra: dict[str, Any] = {}
        if text and not _repeats(text, blocks.parts):
            if any(isinstance(part, Text) for part in blocks.parts):
                extra["text"] = text
            else:
                blocks.parts.append(Text(text=text))
        return [*blocks.parts, *message_files(fields, message_id, self._files)], extra

    def close(self, problems: Problems) -> None:
        """Make roots of messages whose parent is not in the conversation."""
        for index, message in enumerate(self.messages):
            if message.parent_id is not None and message.parent_id not in self.ids:
                problems.add(f"message {index + 1} parent_message_uuid", "names no message of this conversation")
                extra = {**message.extra, "parent_message_uuid": message.parent_id}
                self.messages[index] = msgspec.structs.replace(message, parent_id=None, extra=extra)

    def newest_leaf(self) -> str | None:
        """The leaf below the newest message; the array is in order of time, which is finer than its seconds."""
        if not self.messages:
            return None
        order = {message.source_id: index for index, message in enumerate(self.messages)}
        last_child: dict[str, str] = {}
        for message in self.messages:
            # A child before its parent is a cycle or an oddity; following only later ones ends.
            if message.parent_id is not None and order.get(message.parent_id, len(order)) < order[message.source_id]:
                last_child[message.parent_id] = message.source_id
        times = [message.created_at or EPOCH for message in self.messages]
        leaf = self.messages[max(range(len(times)), key=lambda index: (times[index], index))].source_id
        while leaf in last_child:
            leaf = last_child[leaf]
        return leaf


def _repeats(text: str, parts: list[Part]) -> bool:
    """Whether the flattened text says nothing that the parts do not."""
    said = "".join("".join(part.text.split()) for part in parts if isinstance(part, Text))
    return "".join(_FILLER.sub("", text).split()) in ("", said)
