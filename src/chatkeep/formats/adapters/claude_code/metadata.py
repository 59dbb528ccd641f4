"""Lines of a log that are no messages: titles, modes, links, checkpoints, and noise that is only counted."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from chatkeep.formats.values import Problems

_LAST_WINS = {
    "agent-name",
    "agent-setting",
    "mode",
    "permission-mode",
    "bridge-session",
    "worktree-state",
    "relocated",
    "atis-latch",
    "last-prompt",
}
_CHECKPOINTS = {"file-history-snapshot", "file-history-delta"}
_TASK_ID = re.compile(r"<?\"?task[-_]id\"?[>:]\s*\"?([A-Za-z0-9_-]{1,64})")
_TOOL_ID = re.compile(r"<?\"?tool[-_]use[-_]id\"?[>:]\s*\"?([A-Za-z0-9_-]{1,128})")
# Personal: whose account a bridged session belongs to.
_PERSONAL = {"ownerAccountUuid", "ownerOrganizationUuid"}
_LISTED = 10_000


class Metadata:
    """What a log says of its session besides messages."""

    def __init__(self) -> None:
        self.custom_title: str | None = None
        self.ai_title: str | None = None
        self.summaries: dict[str, str] = {}
        """By the line that they are of, which may lie in another file."""
        self.tag: str | None = None
        self.leaf: str | None = None
        """What `last-prompt` says, if no message came after it."""
        self.agents: dict[str, str] = {}
        """Call by sub-agent."""
        self.checkpoints: dict[str, list[Any]] = {}
        self._last: dict[str, Any] = {}
        self._lists: dict[str, list[Any]] = {}
        self._left_out: Counter[str] = Counter()

    def add(self, kind: str, data: dict[str, Any], problems: Problems) -> None:
        """Take one line in."""
        if kind == "progress":
            self._progress(data)
        elif kind == "summary":
            self._summary(data, problems)
        elif kind in ("custom-title", "ai-title", "tag"):
            self._label(kind, data, problems)
        elif kind in _CHECKPOINTS:
            self._checkpoint(kind, data)
        elif kind in _LAST_WINS:
            if kind == "last-prompt":
                leaf = data.get("leafUuid")
                self.leaf = leaf if isinstance(leaf, str) else None
            self._last[kind] = _without(data, "type", "sessionId", *_PERSONAL)
        else:
            if kind == "queue-operation":
                self._task_ids(data.get("content"))
            self._list(kind or "untyped", _without(data, "type", "sessionId"))

    def link(self, agent_id: Any, call_id: Any) -> None:
        """Note which call started a sub-agent."""
        if isinstance(agent_id, str) and isinstance(call_id, str) and call_id and len(self.agents) < _LISTED:
            self.agents.setdefault(agent_id, call_id)

    def kept(self, said: set[str]) -> dict[str, Any]:
        """All of it that has no field, under the names of the lines; ``said`` are the texts of messages."""
        extra: dict[str, Any] = {key: value for key, value in self._last.items() if value}
        for kind, found in self._lists.items():
            extra[kind] = [_unrepeated(item, said) for item in found] if kind == "queue-operation" else found
        if self.summaries:
            extra["summary"] = [{"leafUuid": leaf, "summary": text} for leaf, text in self.summaries.items()]
        if self.custom_title is not None and self.ai_title is not None:
            extra["aiTitle"] = self.ai_title
        if self.agents:
            extra["agents"] = self.agents
        if self._left_out:
            extra["leftOut"] = dict(sorted(self._left_out.items()))
        return extra

    def left_out(self, kind: str, count: int = 1) -> None:
        """Count lines that are not kept."""
        self._left_out[kind] += count

    def _progress(self, data: dict[str, Any]) -> None:
        inner = data.get("data")
        kind = inner.get("type") if isinstance(inner, dict) else None
        if isinstance(inner, dict) and kind == "agent_progress":
            self.link(inner.get("agentId"), data.get("parentToolUseID") or data.get("toolUseID"))
        self.left_out(f"progress {kind}" if isinstance(kind, str) and len(kind) < 64 else "progress")

    def _summary(self, data: dict[str, Any], problems: Problems) -> None:
        text, leaf = data.get("summary"), data.get("leafUuid")
        if isinstance(text, str) and isinstance(leaf, str):
            self.summaries[leaf] = text
        else:
            problems.add("summary", "without text or leafUuid")
            self._list("summary line", _without(data, "type"))

    def _label(self, kind: str, data: dict[str, Any], problems: Problems) -> None:
        key = {"custom-title": "customTitle", "ai-title": "aiTitle", "tag": "tag"}[kind]
        value = data.get(key)
        if not isinstance(value, str):
            problems.add(key, "not text")
            self._list(kind, _without(data, "type", "sessionId"))
        elif kind == "custom-title":
            self.custom_title = value.strip() or None
        elif kind == "ai-title":
            self.ai_title = value.strip() or None
        else:
            self.tag = value.strip() or None

    def _checkpoint(self, kind: str, data: dict[str, Any]) -> None:
        message_id, snapshot = data.get("messageId"), data.get("snapshot")
        if isinstance(snapshot, dict) and not snapshot.get("trackedFileBackups") and snapshot.keys() <= {
            "messageId", "trackedFileBackups", "timestamp",
        }:  # fmt: skip
            self.left_out(f"{kind} of no file")
        elif isinstance(message_id, str):
            self.checkpoints.setdefault(message_id, []).append(_without(data, "messageId"))
        else:
            self._list(kind, _without(data, "type"))

    def _task_ids(self, content: Any) -> None:
        if isinstance(content, str):
            task, call = _TASK_ID.search(content[:4096]), _TOOL_ID.search(content[:4096])
            if task and call:
                self.link(task[1], call[1])

    def _list(self, kind: str, item: dict[str, Any]) -> None:
        found = self._lists.setdefault(kind, [])
        if len(found) < _LISTED:
            found.append(item)
        else:
            self.left_out(kind)


def _without(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys and value not in (None, "", [], {})}


def _unrepeated(item: dict[str, Any], said: set[str]) -> dict[str, Any]:
    # What was queued and then sent is a message; what was taken back stands only here.
    content = item.get("content")
    return _without(item, "content") if isinstance(content, str) and content.strip() in said else item
