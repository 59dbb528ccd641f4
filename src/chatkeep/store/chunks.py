"""Text of replies that are being streamed, as it lies in the chunk table.

A chunk is a JSON array of steps in order: ``["text", delta]``, ``["thinking", delta]`` or ``["part", part]``.
"""

from __future__ import annotations

import itertools
import operator
from typing import Any

import msgspec

from chatkeep.encoding import decode_json
from chatkeep.errors import StoreCorruptError
from chatkeep.model import Part, Text, Thinking
from chatkeep.store.engine import Transaction

Step = tuple[str, Any]


def parts_of_steps(steps: list[Step]) -> tuple[Part, ...]:
    """The parts that a stream's steps add up to: neighbouring deltas of one kind make one part."""
    parts: list[Part] = []
    run: list[str] = []
    kind = ""

    def close_run() -> None:
        if run:
            text = joined(run)
            parts.append(Text(text=text) if kind == "text" else Thinking(text=text))
            run.clear()

    for step_kind, value in steps:
        if step_kind != kind:
            close_run()
            kind = step_kind
        if step_kind == "part":
            parts.append(value if isinstance(value, msgspec.Struct) else msgspec.convert(value, Part))  # type: ignore[arg-type]  # a union of types
        else:
            run.append(value)
    close_run()
    return tuple(parts)


def merged_steps(steps: list[Step]) -> list[Step]:
    """The same steps with neighbouring deltas of one kind joined, so that they take less room."""
    merged: list[Step] = []
    for kind, group in itertools.groupby(steps, key=operator.itemgetter(0)):
        values = [value for _, value in group]
        merged.extend([(kind, value) for value in values] if kind == "part" else [(kind, joined(values))])
    return merged


def joined(deltas: list[str]) -> str:
    """Deltas as one text. Surrogates that were cut apart find together again; lone ones stay."""
    text = "".join(deltas)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def flushed_parts(tx: Transaction, message_pk: int) -> tuple[Part, ...]:
    """The parts that a streaming message has so far, as of its last flush. Raises StoreCorruptError."""
    rows = tx.rows("SELECT delta FROM stream_chunk WHERE message_pk = :pk ORDER BY n", {"pk": message_pk})
    try:
        return parts_of_steps([(kind, value) for row in rows for kind, value in decode_json(row[0])])
    except (TypeError, ValueError) as error:
        raise StoreCorruptError(f"message {message_pk}: a chunk of its stream cannot be read: run check") from error
