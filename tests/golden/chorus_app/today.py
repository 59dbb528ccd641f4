"""An invented instance of the latest schema: every table that holds chats, with files beside the database."""

from __future__ import annotations

import json
from pathlib import Path

from tests.golden.chorus_app.schema import Builder

MAIN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
BRANCH = "1b2c3d4e5f60718293a4b5c6d7e8f90a"
REPLY = "2c3d4e5f60718293a4b5c6d7e8f90a1b"
GROUP = "3d4e5f60718293a4b5c6d7e8f90a1b2c"
IMPORTED = "6f9619ff-8b86-4011-b42d-00cf4fc964ff"
UPLOADS = "/Users/mira/Library/Application Support/sh.chorus.app/uploads/originals"
IMAGES = "/Users/mira/Library/Application%20Support/sh.chorus.app/generated_images"
USER_CONFIG = "8d8ac610-566d-4ef0-9c22-186b2a5ed793"


def build(folder: Path) -> Path:
    """Make the instance in ``folder``; gives the path of its database."""
    for name, content in {
        "uploads/originals/11111111-aaaa-4bbb-8ccc-222222222222.png": b"\x89PNG\r\n\x1a\n invented",
        "uploads/originals/33333333-aaaa-4bbb-8ccc-444444444444.md": b"URL: https://herbs.example/mint\n\nSpreads.",
        "generated_images/a-green-leaf-12345.webp": b"RIFF invented WEBP",
        "settings": b'{"settings": {"apiKeys": {"openai": "EXAMPLE-KEY-NOT-REAL"}}}',
        "auth.dat": b'{"api_token": "EXAMPLE-TOKEN-NOT-REAL"}',
    }.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with Builder(folder / "chats.db") as db:
        _library(db)
        _main_chat(db)
        _relatives(db)
        _group_chat(db)
        _imported_chat(db)
        _remains(db)
    return folder / "chats.db"


def _library(db: Builder) -> None:
    db.add(
        "models",
        id="anthropic::claude-sonnet-4-latest",
        display_name="Claude Sonnet 4",
        supported_attachment_types="[]",
    )
    db.add(
        "model_configs",
        id=USER_CONFIG,
        model_id="anthropic::claude-sonnet-4-latest",
        display_name="Gardener",
        author="user",
        created_at="2026-01-01 08:00:00",
        system_prompt="You are a patient gardener.",
        reasoning_effort="low",
    )
    db.add(
        "projects",
        id="9e107d9d372bb6826bd81d3542a419d6",
        name="",
        created_at="2026-01-01 08:00:00",
        updated_at="2026-01-01 08:00:00",
        context_text="South balcony.",
        magic_projects_enabled=0,
        total_cost_usd=0.0125,
    )
    db.add("project_attachments", project_id="9e107d9d372bb6826bd81d3542a419d6", attachment_id="att-project")
    db.add("attachments", id="att-project", created_at="2026-01-01 08:00:00", type="text", path=f"{UPLOADS}/none.txt")
    db.add(
        "toolsets_config",
        toolset_name="github",
        parameter_id="personalAccessToken",
        parameter_value="EXAMPLE-TOKEN-NOT-REAL",
    )
    db.add("custom_toolsets", name="notes", command="notes", env='{"API_KEY": "EXAMPLE-KEY-NOT-REAL"}')
    db.add("app_metadata", key="yolo_mode", value="true")


def _main_chat(db: Builder) -> None:
    db.chat(
        MAIN,
        title="Aphids 🐞 蚜虫",
        project_id="9e107d9d372bb6826bd81d3542a419d6",
        project_context_summary="Aphids on mint",
        project_context_summary_is_stale=0,
        total_cost_usd=0.0125,
    )
    db.turn(
        "s0",
        MAIN,
        "user",
        {"id": "u0", "text": "What eats them?", "level": 0, "selected": 1, "state": "streaming"},
        level=0,
        selected_block_type="user",
    )
    db.turn(
        "s1",
        MAIN,
        "ai",
        {
            "id": "a0",
            "level": 0,
            "selected": 1,
            "prompt_tokens": 120,
            "completion_tokens": 40,
            "total_tokens": 160,
            "cost_usd": 0.0125,
            "reply_chat_id": REPLY,
        },
        {"id": "a1", "level": 1, "selected": 0, "model": USER_CONFIG, "prompt_tokens": 100, "total_tokens": 130},
        {
            "id": "a2",
            "level": 2,
            "selected": 0,
            "model": "openrouter::vendor/name",
            "error_message": "429",
            "state": "idle",
        },
        level=1,
        selected_block_type="tools",
    )
    _parts(db)
    _second_turn(db)
    db.add("message_drafts", chat_id=MAIN, content="")
    db.add("draft_attachments", chat_id=MAIN, attachment_id="att-web")
    db.add("saved_model_configs_chats", id="saved-1", chat_id=MAIN, model_ids=json.dumps([USER_CONFIG]))


def _parts(db: Builder) -> None:
    call = {
        "id": "c1",
        "namespacedToolName": "web_search",
        "args": {"query": "aphid predators", "n": 3},
        "toolMetadata": {"description": "Searches", "inputSchema": {"type": "object"}},
    }
    image = {"id": "c2", "namespacedToolName": "images_generate", "args": {"prompt": "a green leaf"}}
    shown = f"Here: ![leaf](http://asset.localhost/{IMAGES[1:]}/a-green-leaf-12345.webp)"
    db.parts(
        MAIN,
        "a0",
        ("<think>\nLadybirds?\n</think>\n\nLet me look.", json.dumps([call]), None),
        ("", "[]", json.dumps([{"id": "c1", "content": "ladybirds, lacewings"}])),
        ("Drawing one.", json.dumps([image]), None),
        ("", "[]", json.dumps([{"id": "c2", "content": shown, "namespacedToolName": "images_generate"}])),
        (f"Ladybirds.\n\n{shown}", None, None),
    )
    db.parts(MAIN, "a1", ("Looking", json.dumps([{**call, "id": "c9"}]), None))
    db.parts(MAIN, "a2", ("", "[]", None))


def _second_turn(db: Builder) -> None:
    db.turn(
        "s2",
        MAIN,
        "user",
        {"id": "u1", "text": "See these", "level": 0, "selected": 1},
        level=2,
        selected_block_type="user",
    )
    attachments = [
        ("att-image", "image", "IMG 1.png", f"{UPLOADS}/11111111-aaaa-4bbb-8ccc-222222222222.png", 0, 0, 2),
        (
            "att-web",
            "webpage",
            "https://herbs.example/mint",
            f"{UPLOADS}/33333333-aaaa-4bbb-8ccc-444444444444.md",
            0,
            0,
            1,
        ),
        ("att-lost", "pdf", "lost.pdf", f"{UPLOADS}/55555555-aaaa-4bbb-8ccc-666666666666.pdf", 0, 0, 3),
        ("att-loading", "text", None, "", 1, 0, 4),
        ("att-etc", "text", "passwd", "/etc/passwd", 0, 1, 5),
    ]
    for id, type, original, path, loading, ephemeral, second in attachments:
        db.add(
            "attachments",
            id=id,
            created_at=f"2026-01-02 10:00:0{second}",
            type=type,
            is_loading=loading,
            original_name=original,
            path=path,
            ephemeral=ephemeral,
        )
        db.add("message_attachments", message_id="u1", attachment_id=id)
    db.add("message_attachments", message_id="u1", attachment_id="att-nowhere")
    db.turn(
        "s3",
        MAIN,
        "ai",
        {"id": "a3", "level": 0, "selected": 1, "state": "streaming", "streaming_token": "t-1", "cost_usd": 0.0},
        {"id": "a4", "level": 0, "selected": 0, "text": "Old answer", "block_type": "chat", "is_review": 0},
        level=3,
        selected_block_type="tools",
    )
    db.parts(MAIN, "a3", ("Those are", "[]", None))


def _relatives(db: Builder) -> None:
    db.chat(BRANCH, title="Aphids 🐞 蚜虫", parent_chat_id=MAIN, project_id="9e107d9d372bb6826bd81d3542a419d6")
    db.turn(
        "b0",
        BRANCH,
        "user",
        {"id": "bu0", "text": "What eats them?", "level": 0, "branched_from_id": "u0"},
        level=0,
        selected_block_type="user",
    )
    db.turn(
        "b1",
        BRANCH,
        "ai",
        {"id": "ba0", "level": 0, "branched_from_id": "a0", "selected": 1},
        level=1,
        selected_block_type="tools",
    )
    db.parts(BRANCH, "ba0", ("Ladybirds.", None, None))
    db.chat(REPLY, title="Untitled Chat", reply_to_id="a0")
    db.turn("r0", REPLY, "user", {"id": "ru0", "text": "Only they?", "level": 0}, level=0, selected_block_type="user")


def _group_chat(db: Builder) -> None:
    db.chat(GROUP, title="Round table", gc_prototype_chat=1)
    rows = [
        ("g1", "Who likes rain?", "user", 0, 0, None, None),
        ("g2", "Frogs do.", "anthropic::claude-sonnet-4-latest", 1, 0, None, None),
        ("t1", "Which frogs?", "user", 2, 0, "g2", None),
        ("g3", "Snails.", "openai::gpt-5", 2, 0, None, None),
        ("t2", "Tree frogs.", "openai::gpt-5", 3, 0, "g2", None),
        ("g4", "[Promoted from thread] Tree frogs.", "openai::gpt-5", 4, 0, None, "t2"),
        ("g5", "never mind", "user", 5, 1, None, None),
        ("t9", "Lost thread", "user", 6, 0, "g5", None),
    ]
    for id, text, config, second, deleted, root, promoted in rows:
        at = f"2026-01-03 12:00:0{second}"
        db.add(
            "gc_prototype_messages",
            chat_id=GROUP,
            id=id,
            text=text,
            model_config_id=config,
            created_at=at,
            updated_at=at,
            is_deleted=deleted,
            thread_root_message_id=root,
            promoted_from_message_id=promoted,
        )
    db.add("gc_prototype_conductors", chat_id=GROUP, scope_id=None, conductor_model_id="openai::gpt-5", turn_count=3)


def _imported_chat(db: Builder) -> None:
    at = "2025-06-01T07:08:09.123Z"
    db.add("projects", id="imports", name="Anthropic imports", created_at=at, updated_at=at, is_imported=1)
    db.chat(IMPORTED, title="Haiku", project_id="imports")
    db.turn("i0", IMPORTED, "user", {"id": "iu", "text": "A haiku", "selected": 1}, level=0, selected_block_type="user")
    imported = {"id": "ia", "model": "anthropic::claude-3-sonnet", "level": 0, "selected": 1}
    db.turn("i1", IMPORTED, "ai", {**imported, "text": "Frog.\n\nPond."}, level=1, selected_block_type="tools")
    db.parts(IMPORTED, "ia", ("Frog.", None, None), ("Pond.", None, None))
    db.turn("i2", IMPORTED, "user", {"id": "iu2", "text": "Again"}, level=2, selected_block_type="user")
    db.turn("i3", IMPORTED, "ai", {**imported, "id": "ia2", "text": "No content"}, level=3, selected_block_type="tools")
    db.parts(IMPORTED, "ia2", ("Splash.", None, None))


def _remains(db: Builder) -> None:
    """What deleting leaves behind, and the empty chats that the app keeps ready."""
    db.chat("ready", is_new_chat=1)
    db.chat("drafted", is_new_chat=1)
    db.add("message_drafts", chat_id="drafted", content="Half a thou")
    db.add("message_drafts", chat_id="deleted", content="gone with its chat")
    db.parts("deleted", "deleted-message", ("nobody's", None, None))
    db.add("attachments", id="att-orphan", created_at="2026-01-01 08:00:00", type="text", path="")
    db.add("projects", id="empty", name="No chats", created_at="2026-01-01 08:00:00", updated_at="2026-01-01 08:00:00")
