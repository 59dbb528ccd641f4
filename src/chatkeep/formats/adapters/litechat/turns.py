"""One interaction - a question and its answer, stored together - before it is put in its place."""

from __future__ import annotations

from typing import Any

from chatkeep.formats.values import Fields, Problems

REGULAR = "message.user_assistant"
# Machinery that asks a model something beside the dialogue.
_HELPERS = frozenset({"conversation.title_generation", "rules.auto_selection", "code.security_check", "prompt.enhance"})


class Turn:
    """An interaction being read: fields are taken out one after the other, the rest is kept."""

    def __init__(self, value: dict[str, Any], id: str, conversation_id: str, problems: Problems) -> None:
        self.id = id
        self.problems = problems
        self.fields = Fields(value, problems)
        if value.get("id") == id:
            self.fields.ignore("id")
        if value.get("conversationId") == conversation_id:
            self.fields.ignore("conversationId")
        self.type = self.fields.text("type") or REGULAR
        self.index = self.fields.integer("index")
        self.parent_id = self.fields.text("parentId")
        self.started_at = self.fields.time_from_iso("startedAt")
        self.ended_at = self.fields.time_from_iso("endedAt")
        self.status = self.fields.text("status") or "COMPLETED"
        self.response: Any = self.fields.raw("response")
        self.metadata = self.fields.fields("metadata")
        self.prompt = self.fields.fields("prompt")
        self.prompt_metadata = self.prompt.fields("metadata")
        self.question = self.prompt.text("content") or ""
        self.files = self.prompt_metadata.listing("attachedFiles")
        self.calls = self.metadata.listing("toolCalls")
        self.results = self.metadata.listing("toolResults")
        self.reasoning = self.metadata.text("reasoning") or ""
        # Looked at without being used up: these keys are kept as they are.
        self.value = value
        metadata = value.get("metadata")
        self.hints: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
        prompt = value.get("prompt")
        prompt_metadata = prompt.get("metadata") if isinstance(prompt, dict) else None
        self.prompt_hints: dict[str, Any] = prompt_metadata if isinstance(prompt_metadata, dict) else {}

    @property
    def question_id(self) -> str:
        """What its question is named by; the answer has the interaction's own id."""
        return f"{self.id}:prompt"

    @property
    def has_question(self) -> bool:
        """Whether somebody asked something."""
        return bool(self.question or self.files)

    @property
    def has_answer(self) -> bool:
        """Whether there is anything to show as an answer, or nothing else that could carry what is known."""
        said = self.response is not None or self.calls or self.results or self.reasoning
        return bool(said or self.is_failed or not self.has_question)

    @property
    def is_failed(self) -> bool:
        """Whether it ended in an error."""
        return self.status == "ERROR"

    @property
    def is_hidden(self) -> bool:
        """Whether it is no part of the dialogue."""
        return (self.index is not None and self.index < 0) or self.type in _HELPERS

    @property
    def is_parallel(self) -> bool:
        """Whether it answers at the same time as its parent."""
        return self.hints.get("isParallelBranch") is True

    def asks_the_same(self, other: Turn) -> bool:
        """Whether its question, files and all, is that of another turn."""
        return self.question == other.question and _file_ids(self.files) == _file_ids(other.files)

    @property
    def order(self) -> tuple[float, str, str]:
        """Index, then start, then id; what has no index comes last."""
        started = "~" if self.started_at is None else self.started_at.isoformat()
        return (float("inf") if self.index is None else self.index, started, self.id)


def _file_ids(files: list[Any]) -> list[Any]:
    return [file.get("id") if isinstance(file, dict) else file for file in files]
