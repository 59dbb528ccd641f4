"""What a database holds beside chats, and what the app itself no longer shows: counted, so that nobody misses it."""

from __future__ import annotations

from collections.abc import Iterator

from chatkeep.formats.protocol import NotImported

from .tables import Tables

# Read with the chats.
_READ = {
    "chats",
    "message_sets",
    "messages",
    "message_parts",
    "attachments",
    "message_attachments",
    "draft_attachments",
    "message_drafts",
    "projects",
    "saved_model_configs_chats",
    "gc_prototype_messages",
    "gc_prototype_conductors",
}
# The ledger of migrations, and copies that they made of what was migrated.
_MACHINERY = {
    "_sqlx_migrations",
    "models_archive_20250111",
    "temp_hierarchy",
    "temp_groupings",
    "temp_group_parent",
    "temp_message_sets",
}
# The app deletes rows without deleting what hangs on them, and never shows the rest again.
_ORPHANS = (
    ("message_sets", "chat_id", "chats", "id", "message sets of deleted chats"),
    ("messages", "chat_id", "chats", "id", "messages of deleted chats"),
    ("message_parts", "message_id", "messages", "id", "parts of deleted messages"),
    ("message_drafts", "chat_id", "chats", "id", "drafts of deleted chats"),
    ("gc_prototype_messages", "chat_id", "chats", "id", "group messages of deleted chats"),
    ("projects", "id", "chats", "project_id", "projects without chats"),
)
_MOST_TABLES = 50


def not_imported(tables: Tables) -> Iterator[NotImported]:
    """Each category with how many rows it has; empty ones are not worth a word."""
    for what, count in _counts(tables):
        if count:
            yield NotImported(what, count)


def _counts(tables: Tables) -> Iterator[tuple[str, int]]:
    for table, column, other, key, what in _ORPHANS:
        if column in tables.columns(table) and key in tables.columns(other):
            builtin = " AND t.id NOT IN ('default', 'quick-chat')" if table == "projects" else ""
            owner = f"SELECT 1 FROM {other} AS o WHERE o.{key} IS t.{column}"  # noqa: S608  # names of ours
            missing = f"NOT EXISTS ({owner}){builtin}"
            yield what, tables.count(table, missing)
    if "is_deleted" in tables.columns("gc_prototype_messages"):
        yield "deleted group messages", tables.count("gc_prototype_messages", "t.is_deleted")
    yield "attachments that nothing links to", _unlinked(tables)
    for table in [name for name in tables.names() if name not in _READ | _MACHINERY][:_MOST_TABLES]:
        yield table[:60], tables.count(table)


def _unlinked(tables: Tables) -> int:
    links = [
        f"t.id NOT IN (SELECT attachment_id FROM {table} WHERE attachment_id IS NOT NULL)"  # noqa: S608  # names of ours
        for table in ("message_attachments", "draft_attachments", "project_attachments")
        if "attachment_id" in tables.columns(table)
    ]
    return tables.count("attachments", " AND ".join(links)) if links else 0
