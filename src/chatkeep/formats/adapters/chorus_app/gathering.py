"""All rows of one chat, from all tables, before anything is made of them."""

from __future__ import annotations

from typing import NamedTuple

from chatkeep.formats.values import Problems

from .tables import Row, Tables


class ChatRows(NamedTuple):
    """One chat as the database has it."""

    chat: Row
    sets: list[Row]
    messages: list[Row]
    parts: list[Row]
    links: list[Row]
    """Rows of `message_attachments`, then of `draft_attachments`."""
    attachments: list[Row]
    drafts: list[Row]
    saved_models: list[Row]
    group_messages: list[Row]
    conductors: list[Row]

    def raw(self) -> bytes:
        """The same bytes for the same rows."""
        return repr(tuple(self)).encode("utf-8", "surrogatepass")

    @property
    def is_placeholder(self) -> bool:
        """Whether it is the empty chat that the app keeps ready for "new chat"; a draft in it counts as content."""
        drafted = any(row.get("content") for row in self.drafts) or bool(self.links)
        return bool(self.chat.get("is_new_chat")) and not (self.messages or self.group_messages or drafted)


def gather(tables: Tables, rowid: int, key: bytes, problems: Problems) -> ChatRows:
    """Read every row that belongs to a chat; rows of other chats, and rows of nobody, are left out."""
    messages = tables.of_chat("messages", key, problems=problems)
    # The columns that older tables lack, and rows without a text id, simply find nothing.
    ids = [row["id"] for row in messages if isinstance(row.get("id"), str)]
    links = [
        *tables.where_in("message_attachments", "message_id", ids, problems=problems),
        *_of_key(tables, "draft_attachments", key, problems),
    ]
    wanted = dict.fromkeys(row["attachment_id"] for row in links if isinstance(row.get("attachment_id"), str))
    return ChatRows(
        chat=tables.rows("chats", "t.rowid = ?", (rowid,), problems=problems)[0],
        sets=tables.of_chat("message_sets", key, problems=problems),
        messages=messages,
        parts=tables.where_in("message_parts", "message_id", ids, problems=problems),
        links=links,
        attachments=tables.where_in("attachments", "id", wanted, problems=problems),
        drafts=_of_key(tables, "message_drafts", key, problems),
        saved_models=tables.of_chat("saved_model_configs_chats", key, problems=problems),
        group_messages=tables.of_chat("gc_prototype_messages", key, problems=problems),
        conductors=tables.of_chat("gc_prototype_conductors", key, problems=problems),
    )


def _of_key(tables: Tables, table: str, key: bytes, problems: Problems) -> list[Row]:
    # Small tables whose primary key begins with the chat; compared as text, which that key serves.
    if "chat_id" not in tables.columns(table):
        return []
    return tables.rows(table, "t.chat_id = CAST(? AS TEXT)", (key,), problems=problems)
