"""Real `chats.db` files of any schema version, made from what is known of the app's tables.

There is no sample of such a database that could be shipped, so the tests build their own: the tables as a version has
them, with the triggers that change rows, and the ledger of migrations.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import apsw

LATEST = 138

# Version, and what it changed in the tables that hold chats. Versions that only move rows about are left out.
STEPS: tuple[tuple[int, str], ...] = (
    (
        1,
        """
        CREATE TABLE chats (id TEXT PRIMARY KEY, title TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
        CREATE TABLE messages (
            id TEXT PRIMARY KEY, chat_id TEXT NOT NULL REFERENCES chats (id), parent_id TEXT, text TEXT NOT NULL,
            model TEXT NOT NULL, selected BOOLEAN, created_at DATETIME DEFAULT CURRENT_TIMESTAMP
        );
        """,
    ),
    (6, "ALTER TABLE chats ADD COLUMN updated_at DATETIME;"),
    (7, "ALTER TABLE chats ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT 0;"),
    (8, "ALTER TABLE chats ADD COLUMN head_id TEXT;"),
    (16, "ALTER TABLE messages ADD COLUMN attachments TEXT;"),
    (
        17,
        """
        ALTER TABLE messages RENAME TO messages_archive_20250102;
        CREATE TABLE message_sets (
            id TEXT PRIMARY KEY, chat_id TEXT NOT NULL REFERENCES chats (id), parent_id TEXT,
            type TEXT NOT NULL CHECK (type IN ('user', 'ai')), created_at DATETIME DEFAULT CURRENT_TIMESTAMP
        );
        CREATE TABLE messages (
            id TEXT PRIMARY KEY, message_set_id TEXT NOT NULL REFERENCES message_sets (id),
            chat_id TEXT NOT NULL REFERENCES chats (id), text TEXT NOT NULL, model TEXT NOT NULL, attachments TEXT,
            selected BOOLEAN, created_at DATETIME DEFAULT CURRENT_TIMESTAMP
        );
        """,
    ),
    (22, "CREATE TABLE app_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL, created_at DATETIME);"),
    (23, "ALTER TABLE chats DROP COLUMN head_id;"),
    (
        24,
        """
        CREATE TABLE models (
            id TEXT PRIMARY KEY, display_name TEXT NOT NULL, is_enabled BOOLEAN DEFAULT 1,
            supported_attachment_types TEXT NOT NULL CHECK (json_valid(supported_attachment_types))
        );
        CREATE TABLE model_configs (
            id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES models (id), display_name TEXT NOT NULL,
            author TEXT NOT NULL, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, system_prompt TEXT NOT NULL,
            is_default BOOLEAN DEFAULT 0
        );
        """,
    ),
    (32, "ALTER TABLE chats ADD COLUMN quick_chat BOOLEAN NOT NULL DEFAULT 0;"),
    (51, "ALTER TABLE messages ADD COLUMN streaming_token TEXT;"),
    (52, "ALTER TABLE messages ADD COLUMN state TEXT CHECK (state IN ('streaming', 'idle')) DEFAULT 'streaming';"),
    (
        53,
        """
        CREATE TABLE projects (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
            updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
        );
        INSERT INTO projects VALUES ('default', 'Default', '2025-02-01 00:00:00', '2025-02-01 00:00:00'),
            ('quick-chat', 'Ambient Chat', '2025-02-01 00:00:00', '2025-02-01 00:00:00');
        ALTER TABLE chats ADD COLUMN project_id TEXT NOT NULL DEFAULT 'default';
        """,
    ),
    (54, "ALTER TABLE messages ADD COLUMN error_message TEXT;"),
    (59, "ALTER TABLE model_configs ADD COLUMN budget_tokens INTEGER;"),
    (60, "ALTER TABLE messages ADD COLUMN is_review BOOLEAN DEFAULT 0;"),
    (61, "ALTER TABLE messages ADD COLUMN review_state TEXT;"),
    (62, "ALTER TABLE model_configs ADD COLUMN reasoning_effort TEXT;"),
    (
        69,
        """
        ALTER TABLE message_sets ADD COLUMN selected_block_type TEXT NOT NULL DEFAULT 'chat';
        ALTER TABLE messages ADD COLUMN block_type TEXT;
        """,
    ),
    (79, "CREATE TABLE message_drafts (chat_id TEXT PRIMARY KEY, content TEXT NOT NULL);"),
    (80, "ALTER TABLE chats ADD COLUMN summary TEXT;"),
    (86, "ALTER TABLE message_sets ADD COLUMN level INTEGER;"),
    (87, "ALTER TABLE message_sets RENAME COLUMN parent_id TO deprecated_parent_id;"),
    (
        95,
        """
        CREATE TABLE message_parts (
            chat_id TEXT NOT NULL, message_id TEXT NOT NULL, level INTEGER NOT NULL, content TEXT NOT NULL,
            tool_calls TEXT, tool_results TEXT, PRIMARY KEY (message_id, level)
        );
        """,
    ),
    (
        96,
        """
        CREATE TABLE toolsets_config (
            toolset_name TEXT, parameter_id TEXT, parameter_value TEXT, PRIMARY KEY (toolset_name, parameter_id)
        );
        """,
    ),
    (
        97,
        "CREATE TABLE custom_toolsets (name TEXT PRIMARY KEY, command TEXT, args TEXT, env JSON, updated_at DATETIME);",
    ),
    (99, "ALTER TABLE messages ADD COLUMN level INTEGER;"),
    (102, "ALTER TABLE chats ADD COLUMN is_new_chat BOOLEAN NOT NULL DEFAULT 0;"),
    (105, "ALTER TABLE chats ADD COLUMN parent_chat_id TEXT REFERENCES chats (id) ON DELETE SET NULL;"),
    (108, "ALTER TABLE projects ADD COLUMN is_collapsed BOOLEAN NOT NULL DEFAULT 0;"),
    (109, "ALTER TABLE projects ADD COLUMN context_text TEXT;"),
    (
        111,
        """
        CREATE TABLE attachments (
            id TEXT PRIMARY KEY, created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, type TEXT NOT NULL,
            is_loading BOOLEAN NOT NULL DEFAULT 0, original_name TEXT, path TEXT NOT NULL,
            ephemeral BOOLEAN NOT NULL DEFAULT 0
        );
        CREATE TABLE message_attachments (message_id TEXT, attachment_id TEXT, PRIMARY KEY (message_id, attachment_id));
        CREATE TABLE project_attachments (project_id TEXT, attachment_id TEXT, PRIMARY KEY (project_id, attachment_id));
        CREATE TABLE draft_attachments (chat_id TEXT, attachment_id TEXT, PRIMARY KEY (chat_id, attachment_id));
        ALTER TABLE messages RENAME COLUMN attachments TO dep_attachments_archive;
        """,
    ),
    (
        112,
        """
        ALTER TABLE chats ADD COLUMN project_context_summary TEXT;
        ALTER TABLE chats ADD COLUMN project_context_summary_is_stale BOOLEAN NOT NULL DEFAULT 1;
        """,
    ),
    (113, "ALTER TABLE projects ADD COLUMN magic_projects_enabled BOOLEAN NOT NULL DEFAULT 1;"),
    (118, "ALTER TABLE model_configs ADD COLUMN new_until DATETIME;"),
    (121, "ALTER TABLE projects ADD COLUMN is_imported BOOLEAN NOT NULL DEFAULT 0;"),
    (
        122,
        """
        ALTER TABLE chats ADD COLUMN reply_to_id TEXT;
        ALTER TABLE messages ADD COLUMN reply_chat_id TEXT;
        CREATE TABLE saved_model_configs_chats (
            id TEXT NOT NULL PRIMARY KEY, chat_id TEXT, model_ids TEXT NOT NULL, created_at DATETIME,
            updated_at DATETIME
        );
        """,
    ),
    (123, "ALTER TABLE messages ADD COLUMN branched_from_id TEXT;"),
    (
        124,
        """
        ALTER TABLE chats ADD COLUMN gc_prototype_chat BOOLEAN NOT NULL DEFAULT 0;
        CREATE TABLE gc_prototype_messages (
            chat_id TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL, model_config_id TEXT NOT NULL,
            created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
            is_deleted BOOLEAN NOT NULL DEFAULT 0, thread_root_message_id TEXT, promoted_from_message_id TEXT,
            PRIMARY KEY (chat_id, id)
        );
        CREATE TABLE gc_prototype_conductors (
            chat_id TEXT NOT NULL, scope_id TEXT, conductor_model_id TEXT NOT NULL, turn_count INTEGER DEFAULT 0,
            is_active BOOLEAN DEFAULT 1, created_at DATETIME, PRIMARY KEY (chat_id, scope_id)
        );
        """,
    ),
    (
        126,
        """
        CREATE TABLE tool_permissions (
            toolset_name TEXT NOT NULL, tool_name TEXT NOT NULL, permission_type TEXT NOT NULL, last_asked_at DATETIME,
            last_response TEXT, created_at DATETIME, updated_at DATETIME, PRIMARY KEY (toolset_name, tool_name)
        );
        """,
    ),
    (
        135,
        """
        ALTER TABLE messages ADD COLUMN prompt_tokens INTEGER;
        ALTER TABLE messages ADD COLUMN completion_tokens INTEGER;
        ALTER TABLE messages ADD COLUMN total_tokens INTEGER;
        ALTER TABLE messages ADD COLUMN cost_usd REAL;
        """,
    ),
    (136, "ALTER TABLE chats ADD COLUMN total_cost_usd REAL DEFAULT 0.0;"),
    (137, "ALTER TABLE projects ADD COLUMN total_cost_usd REAL DEFAULT 0.0;"),
)

_LEDGER = """
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL,
    success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL
);
"""


class Builder:
    """An open `chats.db`; a context manager that closes it."""

    def __init__(self, path: Path, version: int = LATEST) -> None:
        self.path = path
        self.version = version
        self.connection = apsw.Connection(str(path))
        self.connection.execute("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF")
        # One transaction from here to the end, or to `commit`: a commit per row takes half a second per database.
        self.connection.execute("BEGIN")
        self.connection.execute(_LEDGER)
        for step, sql in STEPS:
            if step <= version:
                self.connection.execute(sql)
        self.connection.executemany(
            "INSERT INTO _sqlx_migrations VALUES (?, ?, '2026-01-10 09:00:00', 1, zeroblob(48), 1000)",
            [(number, f"step {number}") for number in range(1, version + 1) if number != 103],
        )

    def add(self, table: str, **values: Any) -> None:
        """Insert one row."""
        columns = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" for _ in values)
        self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))

    def chat(self, id: str, **values: Any) -> None:
        """A chat with times, so that nothing depends on the clock."""
        times = {"created_at": "2026-01-02 10:00:00", "updated_at": "2026-01-02 11:00:00"}
        if self.version < 6:
            del times["updated_at"]
        self.add("chats", id=id, **{**times, **values})

    def turn(self, set_id: str, chat_id: str, type: str, *messages: dict[str, Any], **values: Any) -> None:
        """A message set with its messages; ``values`` are columns of the set."""
        self.add(
            "message_sets", id=set_id, chat_id=chat_id, type=type, **{"created_at": "2026-01-02 10:00:00", **values}
        )
        for message in messages:
            defaults = {
                "message_set_id": set_id,
                "chat_id": chat_id,
                "text": "",
                "model": "user" if type == "user" else "anthropic::claude-sonnet-4-latest",
                "created_at": "2026-01-02 10:00:05",
            }
            if self.version >= 52:
                defaults["state"] = "idle"
            if self.version >= 69:
                defaults["block_type"] = "user" if type == "user" else values.get("selected_block_type", "chat")
            self.add("messages", **{**defaults, **message})

    def parts(self, chat_id: str, message_id: str, *rows: tuple[str, str | None, str | None]) -> None:
        """Rows of content of one answer: text, calls, results."""
        for level, (content, calls, results) in enumerate(rows):
            self.add(
                "message_parts",
                chat_id=chat_id,
                message_id=message_id,
                level=level,
                content=content,
                tool_calls=calls,
                tool_results=results,
            )

    def commit(self) -> None:
        """Make what was added visible to others; it may lie in the write-ahead log alone."""
        self.connection.execute("COMMIT; BEGIN").fetchall()

    def checkpoint(self) -> None:
        """Move everything committed from the log to the file."""
        self.connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE); BEGIN").fetchall()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.connection.execute("COMMIT")
        self.connection.close()
