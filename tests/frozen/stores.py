"""One small store of every released schema, frozen: ``python -m tests.frozen.stores`` makes that of today's schema.

A frozen store is never made anew once its schema was released; the tests open each with the program of today.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import chatkeep
from chatkeep.encoding import conversation_digest
from chatkeep.model import Text, Thinking, ToolCall, ToolResult, Usage
from chatkeep.services.exporting import all_messages
from chatkeep.store.sqlite.schema import known_migrations

HERE = Path(__file__).parent
START = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def fill(keep: chatkeep.Keep) -> None:
    """A conversation with a bit of everything, one in the trash, a purged one."""
    project = keep.projects.create("Kitchen", created_at=START, updated_at=START)
    tea = keep.conversations.create(
        title="Tea 茶",
        project_id=project.id,
        tags=["kitchen"],
        created_at=START,
        updated_at=START,
        extra={"app": {"k": 1}},
    )
    asked = keep.messages.append(tea.id, "user", "Water for oolong?", created_at=START)
    keep.messages.append(
        tea.id,
        "assistant",
        [Thinking(text="hot"), ToolCall(id="c", name="look", input={"q": "乌龙"}), Text(text="90 °C")],
        model="m",
        usage=Usage(input=3, output=5),
        cost_nanos=20_000,
        created_at=START,
    )
    keep.messages.append(tea.id, "tool", ToolResult(call_id="c", output=[1, None]), created_at=START)
    keep.messages.append(tea.id, "assistant", "80 °C", parent_id=asked.id, created_at=START)
    keep.conversations.delete(keep.conversations.create(title="in the trash", created_at=START, updated_at=START).id)
    keep.conversations.purge(keep.conversations.create(title="purged").id)


def digests(keep: chatkeep.Keep) -> dict[str, str]:
    """Digest of every conversation, in the trash or not."""
    items = keep.conversations.list().items + keep.conversations.list(trashed=True).items
    found = {item.id: keep.conversations.get(item.id) for item in items}
    return {id: conversation_digest(header, all_messages(keep._store, id)) for id, header in found.items()}


def freeze(name: str) -> None:
    """Write ``<name>.db.gz`` and the digests of what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        with chatkeep.open(Path(folder)) as keep:
            fill(keep)
            made = digests(keep)
        content = (Path(folder) / "chats.db").read_bytes()
    (HERE / f"{name}.db.gz").write_bytes(gzip.compress(content, mtime=0))
    (HERE / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    freeze(f"{known_migrations()[-1].number:04d}")
