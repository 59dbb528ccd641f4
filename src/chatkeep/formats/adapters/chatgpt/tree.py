"""The tree of a conversation: who answers whom, and which tool call a result belongs to.

Every walk is iterative and remembers its way: real chains are thousands of nodes deep, hostile ones run in circles.
"""

from __future__ import annotations

from typing import Any

from chatkeep.formats.values import Problems

NODE_KEYS = frozenset({"id", "parent", "children", "message"})
_ROOT_IDS = ("client-created-root", "aaa1")


class Tree:
    """The nodes of a ``mapping`` that hold a message, by their keys, with parents that hold one too."""

    def __init__(self, mapping: dict[str, Any], problems: Problems) -> None:
        self._problems = problems
        self._mapping = mapping
        self.nodes: dict[str, dict[str, Any]] = {}
        self._gaps: dict[str, dict[str, Any]] = {}
        self._nearest: dict[str, str | None] = {}
        self._calls: dict[str, str] = {}
        self._reported: set[str] = set()
        self._from_children: dict[str, str] | None = None
        self._aliases: dict[str, str] | None = None
        for key, node in mapping.items():
            if type(node) is dict and type(node.get("message")) is dict:
                self.nodes[key] = node
            else:
                self._gaps[key] = self._gap(key, node)

    def _gap(self, key: str, node: Any) -> dict[str, Any]:
        if not isinstance(node, dict):
            self._problems.add(f"node {key[:64]}", "not an object: its message is lost")
            return {}
        if node.get("message") is not None:
            self._problems.add(f"node {key[:64]} message", "not an object")
        elif not node.keys() <= NODE_KEYS or node.get("id", key) != key:
            self._problems.add(f"node {key[:64]}", "holds no message, and what else it says is not kept")
        return node

    def parent(self, key: str) -> str | None:
        """The nearest node above that holds a message; an id that no node has, if the chain of parents breaks."""
        above = self._above(key, self.nodes[key])
        return above if above is None or above in self.nodes else self._resolved(above)

    def __contains__(self, key: str) -> bool:
        return key in self.nodes or key in self._gaps

    def holder(self, key: str) -> str | None:
        """The node itself if it holds a message, else the nearest above that does; None if the tree lacks it."""
        if key in self.nodes:
            return key
        found = self._resolved(key) if key in self._gaps else self._alias(key)
        return found if found in self.nodes else None

    def _above(self, key: str, node: dict[str, Any]) -> str | None:
        above = node.get("parent")
        if type(above) is str:
            return above
        if above is not None and key not in self._reported:
            self._reported.add(key)
            self._problems.add(f"node {key[:64]} parent", "not an id")
        if above is None and "parent" in node:
            return None
        # Some writers leave parents out: then the lists of children are all there is.
        if self._from_children is None:
            self._from_children = self._children()
        return self._from_children.get(key)

    def _children(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, node in self._mapping.items():
            children = node.get("children") if isinstance(node, dict) else None
            if isinstance(children, list):
                found.update((child, key) for child in children if isinstance(child, str) and child != key)
        return found

    def _alias(self, key: str) -> str | None:
        if self._aliases is None:
            self._aliases = {
                node["id"]: place
                for place, node in self._mapping.items()
                if isinstance(node, dict) and isinstance(node.get("id"), str) and node["id"] != place
            }
        return self._aliases.get(key)

    def _resolved(self, key: str) -> str | None:
        """Where a chain of nodes without messages ends: at a message, at nothing, or at an id that is not there."""
        way: list[str] = []
        seen: set[str] = set()
        at: str | None = key
        while at is not None and at not in self.nodes:
            if at in self._nearest:
                at = self._nearest[at]
                break
            if at in seen:
                self._problems.add(f"node {at[:64]}", "is its own ancestor")
                at = None
                break
            seen.add(at)
            way.append(at)
            if at in self._gaps:
                at = self._above(at, self._gaps[at])
            elif (alias := self._alias(at)) is not None:
                at = alias
            else:
                at = None if at.startswith(_ROOT_IDS) else at
                break
        self._nearest.update((passed, at) for passed in way)
        return at

    def call_of(self, key: str) -> str:
        """The id of the tool call that a result answers: the nearest above with only results between; else empty."""
        way: list[str] = []
        at = self.parent(key)
        while at in self.nodes and at not in self._calls:
            message = self.nodes[at]["message"]
            if is_call(message):
                self._calls[at] = at
                break
            if role_of(message) not in {"tool", "function"} or len(way) > len(self.nodes):
                break
            way.append(at)
            at = self.parent(at)
        answer = self._calls.get(at, "") if at is not None else ""
        self._calls.update((passed, answer) for passed in way)
        return answer

    def cite_lists(self, key: str) -> list[list[Any]]:
        """The numbered sources of the tool results above, as far as the question; nearest first."""
        found: list[list[Any]] = []
        at = self.parent(key)
        steps = 0
        while at in self.nodes and steps < 1000:
            steps += 1
            message = self.nodes[at]["message"]
            if role_of(message) == "user":
                break
            metadata = message.get("metadata")
            cited = metadata.get("_cite_metadata") if isinstance(metadata, dict) else None
            listed = cited.get("metadata_list") if isinstance(cited, dict) else None
            if isinstance(listed, list) and listed:
                found.append(listed)
            at = self.parent(at)
        return found


def role_of(message: dict[str, Any]) -> str | None:
    """The role as the source spells it; None if it names none."""
    author = message.get("author")
    role = author.get("role") if isinstance(author, dict) else None
    return role if isinstance(role, str) else None


def is_call(message: dict[str, Any]) -> bool:
    """Whether the message is addressed to a tool. Thoughts are not, whatever they say."""
    recipient = message.get("recipient")
    content = message.get("content")
    kind = content.get("content_type") if isinstance(content, dict) else None
    return (
        isinstance(recipient, str)
        and recipient not in {"", "all"}
        and role_of(message) == "assistant"
        and kind not in ("thoughts", "reasoning_recap")
    )
