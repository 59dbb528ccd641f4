"""The index's own file beside others that have it open."""

from __future__ import annotations

import threading
from pathlib import Path

import chatkeep
from chatkeep.store.sqlite.connections import connect


def test_a_write_lock_held_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    """A reader, too, takes it when it finds the log's index being changed."""
    home = tmp_path / "home"
    with chatkeep.open(home) as keep:
        chat = keep.conversations.create()
        keep.messages.append(chat.id, "user", "green tea")
        assert keep.search("tea").hits
        other = connect(home / "search.db")
        other.execute("BEGIN IMMEDIATE")
        released = threading.Timer(0.1, lambda: other.execute("ROLLBACK"))
        released.start()
        keep.messages.append(chat.id, "user", "black tea")

        assert len(keep.search("tea").hits) == 2
        released.join()
        other.close()
