"""The tree of a session: parents that exist, results in a row, side chains where they were started, and the leaf."""

from __future__ import annotations

from chatkeep.formats.adapters.claude_code.drafts import Draft
from chatkeep.formats.values import Problems
from chatkeep.model import Text, ToolCall


class Thread:
    """Drafts by id, in the order of their lines, and the lines that became no message of their own."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self._through: dict[str, str | None] = {}

    def add(self, draft: Draft) -> None:
        """A line that is a message."""
        self.drafts[draft.id] = draft

    def pass_through(self, line_id: str, parent: str | None) -> None:
        """A line that is no message, or a part of another one: its children belong to ``parent``."""
        if line_id not in self.drafts:
            # Parents mostly come first: kept short, a chain of such lines is walked once.
            self._through[line_id] = self._through.get(parent, parent) if parent is not None else None

    def resolve(self, line_id: str | None) -> str | None:
        """The message that a line is, or is a part of, or follows; None if there is none."""
        seen: set[str] = set()
        while line_id is not None and line_id not in self.drafts:
            if line_id in seen:
                return None
            seen.add(line_id)
            line_id = self._through.get(line_id)
        for passed in seen:
            if passed in self._through:
                self._through[passed] = line_id
        return line_id

    def is_known(self, line_id: str) -> bool:
        """Whether the log holds this line."""
        return line_id in self.drafts or line_id in self._through

    def link(self, problems: Problems) -> None:
        """Give every draft its parent."""
        if not any(draft.lane == "main" for draft in self.drafts.values()):
            # A sub-agent's own log: nothing in it is beside it.
            for draft in self.drafts.values():
                draft.lane = "main"
                draft.extra.pop("isSidechain", None)
        _Links(self, problems).make()

    def head(self, leaf: str | None) -> str | None:
        """The leaf being shown: that of the last main line, or the one that the program noted after it."""
        last = next((draft.id for draft in reversed(self.drafts.values()) if draft.lane == "main"), None)
        noted = self.resolve(leaf)
        if last is None or noted is None or noted in self._above(last):
            return last
        return noted

    def _above(self, draft_id: str) -> set[str]:
        above: set[str] = set()
        current: str | None = draft_id
        while current is not None and current not in above:
            above.add(current)
            current = self.drafts[current].parent
        return above


class _Links:
    def __init__(self, thread: Thread, problems: Problems) -> None:
        self._thread = thread
        self._problems = problems
        # The quiet messages in a row behind a message, and which message each of them stands behind.
        self._tail: dict[str, str] = {}
        self._anchor: dict[str, str] = {}
        self._tasks: dict[str, str] = {}

    def make(self) -> None:
        last: dict[str, str] = {}
        for draft in self._thread.drafts.values():
            parent = self._parent(draft, last)
            if parent == draft.id:
                parent = None
            draft.parent = self._in_a_row(draft, parent)
            last[draft.lane] = draft.id
            self._note_tasks(draft)

    def _parent(self, draft: Draft, last: dict[str, str]) -> str | None:
        previous = last.get(draft.lane)
        if not draft.says_parent:
            return previous
        if draft.log_parent is not None:
            found = self._thread.resolve(draft.log_parent)
            if found is not None:
                return found
            if not self._thread.is_known(draft.log_parent):
                self._problems.add(
                    f"line {draft.line} parentUuid", "names no line of this log; placed by order of lines"
                )
                draft.extra["parentUuid"] = draft.log_parent
            return previous
        if draft.lane == "side":
            return self._task(draft)
        if previous is None:
            return None
        # A second root: after a compaction, or in logs that never say a parent. Read on in order of lines.
        draft.extra["parentUuid"] = None
        return self._thread.resolve(draft.logical_parent) or previous

    def _in_a_row(self, draft: Draft, parent: str | None) -> str | None:
        if parent is None:
            return None
        anchor = self._anchor.get(parent, parent)
        parent = self._tail.get(anchor, parent)
        if draft.is_quiet and self._thread.drafts[anchor].lane == draft.lane:
            self._tail[anchor] = draft.id
            self._anchor[draft.id] = anchor
        return parent

    def _note_tasks(self, draft: Draft) -> None:
        for part in draft.parts:
            if isinstance(part, ToolCall) and isinstance(part.input, dict):
                prompt = part.input.get("prompt")
                if isinstance(prompt, str):
                    self._tasks[prompt.strip()] = draft.id

    def _task(self, draft: Draft) -> str | None:
        """The message whose call started a side chain, told by the prompt that it was given."""
        for part in draft.parts:
            if isinstance(part, Text) and part.text.strip() in self._tasks:
                return self._tasks[part.text.strip()]
        return None
