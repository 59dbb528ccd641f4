"""Which of the app's export files something is, told by its first keys."""

from __future__ import annotations

import re
from enum import Enum

from chatkeep.formats.json_stream import loads
from chatkeep.formats.json_stream.scanner import BrokenJsonError, ValueScanner

CATEGORIES = frozenset(
    {
        "settings",
        "apiKeys",
        "providerConfigs",
        "projects",
        "conversations",
        "interactions",
        "rules",
        "tags",
        "tagRuleLinks",
        "mods",
        "syncRepos",
        "mcpServers",
        "promptTemplates",
        "agents",
        "workflows",
    }
)
_HEADER = {"version", "exportedAt"}
# Other apps' exports have a version, a date and conversations too.
_TELLING = CATEGORIES - {"settings", "projects", "conversations", "tags"}
_FILE = re.compile(
    r"litechat_(?:full_config|all_conversations_export|conversation|project)_[^/]*\.json\Z", re.IGNORECASE
)
_SYNCED = re.compile(r"(?:^|/)\.litechat/(?:conversations/[^/]+|config/litechat-config)\.json\Z")
_SPACE = re.compile(rb"[\s,]*+")
_COLON = re.compile(rb"\s*+:\s*+")


class Shape(Enum):
    """The kinds of export files that hold conversations, or nothing but other categories."""

    FULL = "full export"
    CONVERSATION = "conversation"
    CONVERSATIONS = "all conversations"
    PROJECT = "project tree"


def shape_of(head: bytes) -> Shape | None:
    """The shape of a file by its beginning; None for what is certainly or perhaps something else."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        first = text[1:].lstrip()
        return Shape.CONVERSATIONS if first_keys(first)[:2] == ["conversation", "interactions"] else None
    keys = first_keys(text)
    if keys[:2] in (["conversation", "interactions"], ["interactions", "conversation"]):
        return Shape.CONVERSATION
    if keys[:2] in (["project", "children"], ["children", "project"]):
        return Shape.PROJECT
    return Shape.FULL if _is_full(set(keys), text) else None


def _is_full(keys: set[str], text: bytes) -> bool:
    if not keys or not keys <= CATEGORIES | _HEADER:
        return False
    if not keys >= _HEADER:
        # The settings file of a synchronised folder has its header at the end.
        return len(keys & CATEGORIES) > 1 and "promptTemplates" in keys
    if keys & _TELLING:
        return True
    # Without telling categories in sight only the first conversation can tell.
    return keys == _HEADER or b'"projectId"' in text or keys == _HEADER | {"settings"}


def is_own_name(name: str) -> bool:
    """Whether a path is one that the app gives to its files."""
    return bool(_FILE.search(name.rpartition("/")[2]) or _SYNCED.search(name))


def first_keys(text: bytes) -> list[str]:
    """The keys of a JSON object as far as its beginning shows them, in order; empty for anything else."""
    keys: list[str] = []
    if not text.startswith(b"{"):
        return keys
    at = 1
    while True:
        at = _end(_SPACE, text, at)
        start, at = at, _value_end(text, at)
        if at < 0 or text[start : start + 1] != b'"' or (colon := _COLON.match(text, at)) is None:
            return keys
        keys.append(str(loads(text[start:at])))
        at = _value_end(text, colon.end())
        if at < 0:
            return keys


def _value_end(text: bytes, at: int) -> int:
    try:
        done, end = ValueScanner().scan(text, at)
    except BrokenJsonError:
        return -1
    return end if done else -1


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()
