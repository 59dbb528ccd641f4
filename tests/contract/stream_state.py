"""What the tests of streams look at."""

from __future__ import annotations

from chatkeep.store import Store
from chatkeep.store.engine import Engine
from chatkeep.store.replies import Reply


def leftovers(engine: Engine) -> list[int]:
    """How many streams and chunks there are."""
    return engine.read(
        lambda tx: [tx.rows(f"SELECT count(*) FROM {name}")[0][0] for name in ("stream", "stream_chunk")]
    )


def ended(store: Store, reply: Reply) -> tuple[str, str]:
    """Status and text of a reply, as stored."""
    message = store.messages.get(reply.message.id)
    return message.status, message.text
