"""Sample data: texts whose words are as unevenly frequent as people's, and a file like ChatGPT's export."""

from __future__ import annotations

import itertools
import json
import math
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.search import vocabulary

_WORDS = 60_000
_POOL = 400_000
_ODD = ' \u00e9\u4f60\u597d \U0001f600 "quoted"\n```python\nprint("x")\n```'


class Texts:
    """An endless source of texts, the same on every run."""

    def __init__(self, *, words: int = 150, seed: int = 5, vocabulary_size: int = _WORDS) -> None:
        """``words`` is how many a text has in the middle; lengths spread as people's do."""
        rng = self._rng = random.Random(seed)
        self._words = words
        known = vocabulary(vocabulary_size)
        weights = list(itertools.accumulate(1 / (rank + 2.7) ** 1.05 for rank in range(len(known))))
        self._pool = rng.choices(known, cum_weights=weights, k=_POOL)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        rng, pool = self._rng, self._pool
        length = max(3, min(self._words * 6, int(rng.lognormvariate(math.log(self._words * 0.85), 0.55))))
        start, other, middle = rng.randrange(_POOL - length), rng.randrange(_POOL - length), rng.randrange(length)
        # A piece and its rest in another place, so that no two texts share long runs.
        return " ".join(pool[start : start + middle] + pool[other : other + length - middle])


def kilobyte_texts(count: int) -> list[str]:
    """Texts of 1,024 characters each."""
    texts = Texts(words=170)
    found = []
    for _ in range(count):
        text = next(texts)
        while len(text) < 1024:
            text += " " + next(texts)
        found.append(text[:1024])
    return found


class ExportSize(NamedTuple):
    """What a made export holds."""

    conversations: int
    messages: int
    size_bytes: int


def write_chatgpt_export(path: Path, size_bytes: int, *, vocabulary_size: int = _WORDS) -> ExportSize:
    """Write an invented ``conversations.json`` of at least this size: trees with edited turns, metadata, odd text."""
    rng = random.Random(11)
    texts = Texts(vocabulary_size=vocabulary_size)
    written, conversations, messages = 1, 0, 0
    with path.open("w", encoding="ascii", newline="") as file:
        file.write("[")
        while written < size_bytes:
            value = _conversation(rng, texts, conversations)
            piece = (", " if conversations else "") + json.dumps(value)
            written += file.write(piece)
            conversations += 1
            messages += len(value["mapping"]) - 1
        written += file.write("]")
    return ExportSize(conversations, messages, written)


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _conversation(rng: random.Random, texts: Texts, number: int) -> dict[str, Any]:
    at = 1.68e9 + rng.random() * 8e7
    root = _uuid(rng)
    mapping: dict[str, dict[str, Any]] = {root: {"id": root, "message": None, "parent": None, "children": []}}
    parent, begun = root, at
    for turn in range(max(2, int(rng.expovariate(1 / 14)))):
        text = next(texts)
        if rng.random() < 0.1:
            text += _ODD
        at += 5 + rng.random() * 60
        id = _uuid(rng)
        mapping[parent]["children"].append(id)
        message = _message(rng, id, parent, ("user", "assistant")[turn % 2], text, at)
        mapping[id] = {"id": id, "message": message, "parent": parent, "children": []}
        # Now and then the next message is a sibling of this one: an edited turn.
        if rng.random() > 0.03:
            parent = id
    id = _uuid(rng)
    return {
        "title": f"Conversation {number}",
        "create_time": begun,
        "update_time": at,
        "mapping": mapping,
        "moderation_results": [],
        "current_node": parent,
        "plugin_ids": None,
        "conversation_id": id,
        "conversation_template_id": None,
        "gizmo_id": None,
        "is_archived": False,
        "safe_urls": [],
        "default_model_slug": "gpt-4o",
        "id": id,
    }


def _message(rng: random.Random, id: str, parent: str, role: str, text: str, at: float) -> dict[str, Any]:
    metadata: dict[str, Any] = {"request_id": _uuid(rng), "timestamp_": "absolute", "message_type": None}
    if role == "assistant":
        metadata |= {
            "model_slug": "gpt-4o",
            "default_model_slug": "gpt-4o",
            "parent_id": parent,
            "finish_details": {"type": "stop", "stop_tokens": [200002]},
            "is_complete": True,
            "citations": [],
            "content_references": [],
        }
    return {
        "id": id,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "update_time": None,
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully",
        "end_turn": True if role == "assistant" else None,
        "weight": 1.0,
        "metadata": metadata,
        "recipient": "all",
        "channel": None,
    }
