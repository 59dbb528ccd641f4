"""What of a message is searched: its text, in the order of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

HAS_ATTACHMENT = 1
HAS_TOOL = 2
HAS_THINKING = 4
IS_HIDDEN = 8

FLAGS = {"attachment": HAS_ATTACHMENT, "tool": HAS_TOOL, "thinking": HAS_THINKING}
"""The values of ``has:``."""

_FLAG_OF = {
    "attachment": HAS_ATTACHMENT,
    "tool_call": HAS_TOOL,
    "tool_result": HAS_TOOL,
    "thinking": HAS_THINKING,
}


class Document(NamedTuple):
    """The searched text of a message, and which kinds of part it has."""

    text: str
    flags: int


class _Part(msgspec.Struct, gc=False):
    # A narrow view of chatkeep.model's parts: decoding it costs a third of decoding them.
    type: str = ""
    text: str | None = None
    summary: str | None = None
    name: str | None = None
    title: str | None = None
    url: str | None = None
    input: Any = None
    output: Any = None


class _Body(msgspec.Struct, gc=False):
    parts: list[_Part] = []


_body = msgspec.json.Decoder(_Body)


def documents(bodies: Sequence[str]) -> list[Document]:
    """The documents of message bodies, in their order; a body that cannot be read has no text."""
    # One by one, each from the memory where it lies: joining a page of them first takes longer than decoding it.
    return [document(body) for body in bodies]


def document(body: str) -> Document:
    """The document of one message body; without text if it cannot be read."""
    try:
        return _document(_body.decode(body).parts)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Document("", 0)


def _document(parts: list[_Part]) -> Document:
    if len(parts) == 1 and parts[0].type == "text":
        return Document(parts[0].text or "", 0)
    flags = 0
    texts: list[str] = []
    for part in parts:
        flags |= _FLAG_OF.get(part.type, 0)
        texts.extend(text for text in _texts(part) if text)
    return Document("\n".join(texts), flags)


def _texts(part: _Part) -> Iterator[str]:
    if part.type == "raw":
        return
    for text in (part.name, part.summary, part.title, part.url, part.text):
        if text:
            yield text
    yield from _leaves(part.input)
    yield from _leaves(part.output)


def _leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in a JSON value, in its order; keys are not text."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            pending.extend(reversed(item.values()))
        elif isinstance(item, list):
            pending.extend(reversed(item))
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield str(item)
