"""Invented chats of the app's earlier years, one database for each way that chats were kept."""

from __future__ import annotations

import json
from pathlib import Path

from tests.golden.chorus_app.schema import Builder

CHAT = "5f0c1de27a9b4c3d8e6f102938475a6b"


def first_months(path: Path) -> None:
    """Schema 16: a tree of messages, two models answering side by side, an edited question, attachments as JSON."""
    files = [
        {
            "type": "image",
            "originalName": "leaf.png",
            "path": "/Users/mira/app/uploads/originals/a1.png",
            "isLoading": False,
        },
        {"type": "webpage", "originalName": "https://herbs.example/mint", "path": "", "isLoading": True},
    ]
    with Builder(path, 16) as db:
        db.chat(CHAT, title="Mint", head_id="m5")
        rows = [
            ("m1", None, "Does mint like shade?", "user", 1, json.dumps(files)),
            ("m2", "m1", "Half shade.", "claude", 1, None),
            ("m3", "m1", "Yes.", "gpt", 0, None),
            ("m4", "m2", "And sage?", "user", 0, "not json"),
            ("m5", "m2", "And thyme?", "user", 1, "[]"),
            ("m6", "gone", "Nobody asked.", "gpt", None, None),
        ]
        for number, (id, parent, text, model, selected, attachments) in enumerate(rows):
            db.add(
                "messages",
                id=id,
                chat_id=CHAT,
                parent_id=parent,
                text=text,
                model=model,
                selected=selected,
                attachments=attachments,
                created_at=f"2024-12-20 08:00:0{number}",
            )


def first_schema(path: Path) -> None:
    """Schema 1: no update times, no heads; the walk follows what is selected."""
    with Builder(path, 1) as db:
        db.chat(CHAT, title=None, created_at="2024-11-01 07:30:00")
        for id, parent, model, selected in [
            ("m1", None, "user", 1),
            ("m2", "m1", "claude", 0),
            ("m3", "m1", "gpt", 1),
            ("m4", "m3", "user", 1),
        ]:
            db.add(
                "messages", id=id, chat_id=CHAT, parent_id=parent, text=f"text of {id}", model=model, selected=selected
            )
        db.connection.execute("UPDATE messages SET created_at = '2024-11-01 07:30:01'")


def linked_sets(path: Path) -> None:
    """Schema 22: sets that name their parents, in an order that is not that of the table."""
    with Builder(path, 22) as db:
        db.chat(CHAT, title="Sets")
        db.turn("s4", CHAT, "ai", {"id": "m4", "text": "Four.", "model": "gpt"}, parent_id="s3")
        db.turn("s3", CHAT, "user", {"id": "m3", "text": "Three?"}, parent_id="s2")
        db.turn(
            "s2",
            CHAT,
            "ai",
            {"id": "m2b", "text": "Two, says B.", "model": "my-model-b", "selected": 1},
            {"id": "m2a", "text": "Two, says A.", "model": "my-model-a", "selected": 0},
            parent_id="s1",
        )
        db.turn("s1", CHAT, "user", {"id": "m1", "text": "One?", "selected": 1}, parent_id=None)
        db.turn("s6", CHAT, "ai", {"id": "m6", "text": "Six.", "model": "gpt"}, parent_id="s5")
        db.turn("s5", CHAT, "ai", {"id": "m5", "text": "Five.", "model": "gpt"}, parent_id="s6")


def reviews(path: Path) -> None:
    """Schema 68: reviews, but no blocks; an applied review leads on; projects and errors."""
    with Builder(path, 68) as db:
        db.chat(CHAT, title="Reviewed", project_id="quick-chat", quick_chat=1)
        db.turn(
            "s1",
            CHAT,
            "user",
            {"id": "m1", "text": "Is 91 prime?", "selected": 1, "state": "streaming"},
            parent_id=None,
        )
        db.turn(
            "s2",
            CHAT,
            "ai",
            {"id": "m2", "text": "Yes.", "selected": 0, "is_review": 0},
            {"id": "r1", "text": "Looks right.", "model": "openai::o1", "is_review": 1},
            {
                "id": "r2",
                "text": "No: 7 x 13. <revision>No, 91 is 7 x 13.</revision>",
                "model": "chorus::synthesize",
                "is_review": 1,
                "review_state": "applied",
            },
            parent_id="s1",
        )
        db.turn("s3", CHAT, "user", {"id": "m3", "text": "And 97?", "selected": 1}, parent_id="s2")
        db.turn(
            "s4",
            CHAT,
            "ai",
            {"id": "m4", "model": "unknown_provider::unknown_model::Old Friend", "error_message": "No route to model"},
            parent_id="s3",
        )


def blocks(path: Path) -> None:
    """Schema 94: compare, synthesis and brainstorm blocks, alternatives in other blocks, levels instead of parents."""
    with Builder(path, 94) as db:
        db.chat(CHAT, title="Blocks", pinned=1, summary="About names")
        level = {"deprecated_parent_id": None}
        db.turn(
            "s1", CHAT, "user", {"id": "m1", "text": "Names for a cat?"}, level=0, selected_block_type="user", **level
        )
        db.turn(
            "s2",
            CHAT,
            "ai",
            {"id": "m2z", "text": "Zoe", "model": "openai::gpt-4o", "selected": 1},
            {"id": "m2a", "text": "Ada", "model": "google::gemini-2.0-flash", "selected": 1},
            {"id": "m2s", "text": "Ada or Zoe", "model": "chorus::synthesize", "selected": 1},
            {"id": "m2c", "text": "Cleo", "model": "deepseek::deepseek-chat", "block_type": "chat", "selected": 0},
            level=1,
            selected_block_type="compare",
        )
        db.turn("s3", CHAT, "user", {"id": "m3", "text": "More!"}, level=2, selected_block_type="user")
        db.turn(
            "s4",
            CHAT,
            "ai",
            {"id": "m4a", "text": "Ink", "model": "openai::gpt-4o"},
            {"id": "m4b", "text": "Soot", "model": "openai::gpt-4o"},
            level=3,
            selected_block_type="brainstorm",
        )
        db.turn("s5", CHAT, "user", {"id": "m5", "text": "Thanks"}, level=4, selected_block_type="user")
        db.turn("s6", CHAT, "ai", level=5, selected_block_type="chat")


def inline_attachments(path: Path) -> None:
    """Schema 109: tool answers in parts, attachments still as JSON, a project with context."""
    with Builder(path, 109) as db:
        db.add(
            "projects",
            id="garden",
            name="Garden",
            context_text="Fourth floor, south.",
            created_at="2025-05-01 09:00:00",
            updated_at="2025-05-02 09:00:00",
        )
        db.chat(CHAT, title="Plan", project_id="garden")
        attachment = {"type": "pdf", "originalName": "plan.pdf", "path": "C:\\Users\\mira\\uploads\\originals\\b2.pdf"}
        db.turn(
            "s1",
            CHAT,
            "user",
            {
                "id": "m1",
                "text": "Read this",
                "attachments": json.dumps([{**attachment, "isLoading": False}]),
                "level": 0,
            },
            level=0,
            selected_block_type="user",
        )
        db.turn("s2", CHAT, "ai", {"id": "m2", "level": 0, "selected": 1}, level=1, selected_block_type="tools")
        db.parts(CHAT, "m2", ("<think>A plan.</think>\n\nLooks good.", None, None))


def branches_of_old(path: Path) -> None:
    """Schema 138, upgraded from 16: sets of two branches share levels, and only old parents tell them apart."""
    with Builder(path) as db:
        db.chat(CHAT, title="Upgraded")
        db.turn("A0", CHAT, "user", {"id": "m1", "text": "Root?", "selected": 1}, level=0, selected_block_type="user")
        db.turn(
            "A1",
            CHAT,
            "ai",
            {"id": "m2", "text": "Left root", "model": "openai::gpt-4o", "selected": 1},
            {"id": "m3", "text": "Right root", "model": "openai::o1", "selected": 1},
            level=1,
            selected_block_type="compare",
            deprecated_parent_id="A0",
        )
        for set_id, message_id, text in [("B2", "m4", "On the left"), ("C2", "m5", "On the right")]:
            db.turn(
                set_id,
                CHAT,
                "user",
                {"id": message_id, "text": text, "selected": 1},
                level=2,
                selected_block_type="user",
                deprecated_parent_id="A1",
            )
        db.turn(
            "B3",
            CHAT,
            "ai",
            {"id": "m6", "text": "Left end", "selected": 0},
            level=3,
            selected_block_type="chat",
            deprecated_parent_id="B2",
        )


ERAS = {
    "schema_001": first_schema,
    "schema_016": first_months,
    "schema_022": linked_sets,
    "schema_068": reviews,
    "schema_094": blocks,
    "schema_109": inline_attachments,
    "schema_138_upgraded": branches_of_old,
}
