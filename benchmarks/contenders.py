"""The stores that take turns, behind one small interface: raw SQLite as the limit, Chatkeep, and peers if installed.

Each runs with its own defaults, and each is durable when an append returns.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import sqlite3
import time
from pathlib import Path
from typing import Any, Protocol

RAW = "sqlite3, WAL, FULL"
OURS = "Chatkeep"
AGENTS = "openai-agents SQLiteSession"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, role TEXT NOT NULL,
    content TEXT NOT NULL, created_at REAL NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS message_seq ON message (conversation, seq);
"""
_INSERT = "INSERT INTO message (conversation, seq, role, content, created_at) VALUES (?, ?, ?, ?, ?)"
_COLUMNS = "SELECT id, seq, role, content, created_at FROM message WHERE conversation = ? ORDER BY seq"


class Contender(Protocol):
    """A store in a directory of its own, with one conversation open."""

    def append_for(self, seconds: float, text: str) -> tuple[list[float], int]:
        """Append a text again and again; the seconds of each append that succeeded, and how many failed."""
        ...

    def extend(self, texts: list[str]) -> None:
        """Append many at once."""
        ...

    def load(self) -> int:
        """Read the whole conversation as values; how many there were."""
        ...

    def newest(self, count: int) -> int:
        """Read its last messages; how many there were."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class RawSqlite:
    """The standard library's SQLite with one table, one index and one insert: what nothing on top of it can beat."""

    def __init__(self, directory: Path, conversation: int = 1, *, synchronous: str = "FULL") -> None:
        self._conversation = conversation
        self.database = sqlite3.connect(directory / "raw.db", isolation_level=None, timeout=60.0)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute(f"PRAGMA synchronous = {synchronous}")
        self.database.executescript(_SCHEMA)
        self._seq = self._last_seq()

    def append_for(self, seconds: float, text: str) -> tuple[list[float], int]:
        """See :class:`Contender`."""
        return appended_for(seconds, lambda: self._append(text), sqlite3.Error, self._recover)

    def _append(self, text: str) -> None:
        execute = self.database.execute
        execute("BEGIN IMMEDIATE")
        self._seq += 1
        execute(_INSERT, (self._conversation, self._seq, "user", text, time.time()))
        execute("COMMIT")

    def _recover(self) -> None:
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")
        self._seq = self._last_seq()

    def _last_seq(self) -> int:
        sql = "SELECT coalesce(max(seq), 0) FROM message WHERE conversation = ?"
        return int(self.database.execute(sql, (self._conversation,)).fetchone()[0])

    def extend(self, texts: list[str]) -> None:
        """See :class:`Contender`."""
        now = time.time()
        rows = [(self._conversation, seq, "user", text, now) for seq, text in enumerate(texts, self._seq + 1)]
        self.database.execute("BEGIN IMMEDIATE")
        self.database.executemany(_INSERT, rows)
        self.database.execute("COMMIT")
        self._seq += len(rows)

    def load(self) -> int:
        """See :class:`Contender`."""
        return len(self.database.execute(_COLUMNS, (self._conversation,)).fetchall())

    def newest(self, count: int) -> int:
        """See :class:`Contender`."""
        rows = self.database.execute(f"{_COLUMNS} DESC LIMIT ?", (self._conversation, count)).fetchall()
        rows.reverse()
        return len(rows)

    def close(self) -> None:
        """See :class:`Contender`."""
        self.database.close()


class Chatkeep:
    """Chatkeep's front door: each message is found by a search and stands in the list of conversations at once."""

    def __init__(self, directory: Path, conversation: str | None = None, *, durability: str = "full") -> None:
        import chatkeep

        self.keep = chatkeep.open(directory, durability=durability)
        self.conversation = conversation or self.keep.conversations.create(title="Measured").id

    def append_for(self, seconds: float, text: str) -> tuple[list[float], int]:
        """See :class:`Contender`."""
        from chatkeep.errors import ChatkeepError

        append, conversation = self.keep.messages.append, self.conversation
        return appended_for(seconds, lambda: append(conversation, "user", text), ChatkeepError, lambda: None)

    def extend(self, texts: list[str]) -> None:
        """See :class:`Contender`."""
        for start in range(0, len(texts), 1000):
            self.keep.messages.extend(self.conversation, [("user", text) for text in texts[start : start + 1000]])

    def load(self) -> int:
        """See :class:`Contender`."""
        return len(self.keep.messages.thread(self.conversation))

    def newest(self, count: int) -> int:
        """See :class:`Contender`."""
        return len(self.keep.messages.thread(self.conversation, limit=count))

    def close(self) -> None:
        """See :class:`Contender`."""
        self.keep.close()


class Agents:
    """The session store that openai-agents comes with; its messages are neither listed nor searchable."""

    def __init__(self, directory: Path) -> None:
        # Not a dependency, not even for the type checker.
        session: Any = importlib.import_module("agents.memory.sqlite_session").SQLiteSession
        self._session = session("measured", str(directory / "agents.db"))
        self._loop = asyncio.new_event_loop()

    def append_for(self, seconds: float, text: str) -> tuple[list[float], int]:
        """See :class:`Contender`."""
        return self._loop.run_until_complete(self._append_for(seconds, text))

    async def _append_for(self, seconds: float, text: str) -> tuple[list[float], int]:
        # In one run of the loop, as an agent would; starting the loop each time would count against it.
        times: list[float] = []
        clock = time.perf_counter
        now = clock()
        end = now + seconds
        while now < end:
            await self._session.add_items([{"role": "user", "content": text}])
            done = clock()
            times.append(done - now)
            now = done
        return times, 0

    def extend(self, texts: list[str]) -> None:
        """See :class:`Contender`."""
        items = [{"role": "user", "content": text} for text in texts]
        self._loop.run_until_complete(self._session.add_items(items))

    def load(self) -> int:
        """See :class:`Contender`."""
        return len(self._loop.run_until_complete(self._session.get_items()))

    def newest(self, count: int) -> int:
        """See :class:`Contender`."""
        return len(self._loop.run_until_complete(self._session.get_items(count)))

    def close(self) -> None:
        """See :class:`Contender`."""
        self._session.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


def appended_for(seconds: float, append: Any, failures: type[Exception], recover: Any) -> tuple[list[float], int]:
    """Call ``append`` until the time is up; the seconds of each call that succeeded, and how many failed."""
    times: list[float] = []
    failed = 0
    clock = time.perf_counter
    now = clock()
    end = now + seconds
    while now < end:
        try:
            append()
            done = clock()
            times.append(done - now)
            now = done
        except failures:
            failed += 1
            recover()
            now = clock()
    return times, failed


def installed_contenders() -> tuple[dict[str, Any], list[str]]:
    """What can be measured here, by name, as makers that take a directory; and a note on each peer that is missing."""
    found: dict[str, Any] = {RAW: RawSqlite, OURS: Chatkeep}
    try:
        importlib.metadata.version("openai-agents")
    except importlib.metadata.PackageNotFoundError:
        return found, [f"{AGENTS}: not installed, so not measured (`pip install openai-agents`)."]
    return found | {AGENTS: Agents}, []
