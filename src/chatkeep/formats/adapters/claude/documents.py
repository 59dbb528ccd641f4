"""Documents that Claude wrote in a conversation, rebuilt from the tool calls that made and changed them.

The export holds the calls only. Three tools matter: ``artifacts`` (``create`` and ``rewrite`` give the whole text,
``update`` replaces one passage), and in newer chats ``create_file`` and ``str_replace`` on paths of the sandbox.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chatkeep.formats.adapters.claude.files import last_segment

# Looking for the last version walks back over all later ones; nobody keeps this many documents in one thread.
_STEPS = 10_000

_MEDIA_TYPES = {
    "text/markdown": ("text/markdown", ".md"),
    "text/html": ("text/html", ".html"),
    "image/svg+xml": ("image/svg+xml", ".svg"),
    "application/vnd.ant.react": ("text/plain", ".jsx"),
    "application/vnd.ant.mermaid": ("text/plain", ".mmd"),
}
_SUFFIXES = {
    "python": ".py", "javascript": ".js", "typescript": ".ts", "java": ".java", "c": ".c", "cpp": ".cpp",
    "csharp": ".cs", "go": ".go", "rust": ".rs", "ruby": ".rb", "php": ".php", "swift": ".swift", "kotlin": ".kt",
    "bash": ".sh", "shell": ".sh", "sql": ".sql", "json": ".json", "yaml": ".yaml", "css": ".css", "html": ".html",
}  # fmt: skip


class Document(NamedTuple):
    """One version of a document."""

    name: str
    media_type: str
    text: str


class _Version(NamedTuple):
    key: str
    text: str
    name: str
    media_type: str
    before: _Version | None


class Documents:
    """The documents of a conversation as they were after each message, along each branch."""

    def __init__(self) -> None:
        self._after: dict[str, _Version | None] = {}
        self._newest: _Version | None = None

    def begin(self, parent_id: str | None) -> None:
        """A message is about to be read; what it changes builds on what its parent left."""
        self._newest = self._after.get(parent_id) if parent_id is not None else None

    def end(self, message_id: str) -> None:
        """The message was read."""
        self._after[message_id] = self._newest

    def apply(self, tool: str, arguments: Any) -> Document | bool | None:
        """What a call made; None if the tool makes no documents, False if the text it changes is not known."""
        if not isinstance(arguments, dict):
            return None
        if tool == "artifacts":
            return self._artifact(arguments)
        if tool == "create_file":
            return self._whole(_words(arguments, "path"), _words(arguments, "file_text"), arguments)
        if tool == "str_replace":
            # Programs in the sandbox change files too, unseen; only a text that still fits is followed.
            return self._changed(_words(arguments, "path"), arguments) or None
        return None

    def text_of(self, path: object) -> str | None:
        """The text of a sandbox file as it is now, if the conversation shows it."""
        version = self._find(path) if isinstance(path, str) else None
        return None if version is None else version.text

    def _artifact(self, arguments: dict[str, Any]) -> Document | bool | None:
        command = arguments.get("command")
        key = _words(arguments, "id")
        if command == "update":
            return self._changed(key, arguments)
        # Calls cut short while streaming lack a command or content.
        return self._whole(key, _words(arguments, "content"), arguments)

    def _whole(self, key: str | None, text: str | None, arguments: dict[str, Any]) -> Document | None:
        if key is None or text is None:
            return None
        before = self._find(key)
        name, media_type = _label(key, arguments)
        if before is not None and not arguments.get("type") and "path" not in arguments:
            name, media_type = before.name, before.media_type
        return self._put(key, text, name, media_type)

    def _changed(self, key: str | None, arguments: dict[str, Any]) -> Document | bool:
        before = None if key is None else self._find(key)
        old = _words(arguments, "old_str")
        if before is None or not old or old not in before.text:
            return False
        text = before.text.replace(old, _words(arguments, "new_str") or "", 1)
        return self._put(before.key, text, before.name, before.media_type)

    def _put(self, key: str, text: str, name: str, media_type: str) -> Document:
        self._newest = _Version(key, text, name, media_type, self._newest)
        return Document(name, media_type, text)

    def _find(self, key: str) -> _Version | None:
        version = self._newest
        for _ in range(_STEPS):
            if version is None or version.key == key:
                return version
            version = version.before
        return None


def _words(arguments: dict[str, Any], key: str) -> str | None:
    value = arguments.get(key)
    return value if isinstance(value, str) else None


def _label(key: str, arguments: dict[str, Any]) -> tuple[str, str]:
    if "path" in arguments:
        return last_segment(key) or "file", "text/plain"
    media_type, suffix = _MEDIA_TYPES.get(_words(arguments, "type") or "", ("text/plain", ""))
    suffix = suffix or _SUFFIXES.get((_words(arguments, "language") or "").lower(), ".txt")
    title = last_segment((_words(arguments, "title") or "").replace("/", "-")) or last_segment(key) or "artifact"
    return (title if title.endswith(suffix) else title + suffix), media_type
