"""The Chorus app's databases: where they may lie, what belongs to them, and what is never touched."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import apsw
import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters import chorus_app
from chatkeep.formats.adapters.chorus_app.parts import text_parts
from chatkeep.formats.protocol import NotImported, Record, Skipped, SourceConversation
from chatkeep.formats.sources import open_source, probe
from chatkeep.model import Text, Thinking, ToolResult
from tests.golden.chorus_app import today
from tests.golden.chorus_app.eras import CHAT, ERAS
from tests.golden.chorus_app.schema import Builder

SETS = {"level": 0, "selected_block_type": "user"}


def items(path: Path) -> list[Record | Skipped | NotImported]:
    with open_source(path) as source:
        return list(chorus_app.read(source))


def conversations(path: Path) -> dict[str, SourceConversation]:
    found = {}
    with open_source(path) as source:
        for item in chorus_app.read(source):
            if isinstance(item, Record):
                loaded = item.load()
                assert isinstance(loaded, SourceConversation)
                found[loaded.source_id] = loaded
    return found


def contents(path: Path, chat: str = today.MAIN) -> dict[str, bytes | None]:
    """The bytes of a chat's attachments, by name; None for one that is missing."""
    found: dict[str, bytes | None] = {}
    with open_source(path) as source:
        for item in chorus_app.read(source):
            loaded = item.load() if isinstance(item, Record) else None
            if isinstance(loaded, SourceConversation) and loaded.source_id == chat:
                for attachment in loaded.attachments:
                    found[attachment.name] = None
                    if attachment.open is not None:
                        with attachment.open() as stream:
                            found[attachment.name] = stream.read()
    return found


def fingerprints(path: Path) -> list[str | None]:
    return [item.fingerprint for item in items(path) if isinstance(item, Record)]


# --- where it lies ---


def test_what_only_the_write_ahead_log_holds_is_read_and_nothing_is_touched(tmp_path: Path) -> None:
    """While the app runs, its newest chats are in the log beside the database."""
    with Builder(tmp_path / "chats.db") as db:
        db.chat("settled", title="In the file")
        db.checkpoint()
        db.chat("fresh", title="In the log")
        db.commit()
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}

        found = conversations(tmp_path)

        after = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
    assert [found[id].title for id in ("settled", "fresh")] == ["In the file", "In the log"]
    assert before["chats.db-wal"]
    assert after == before


def test_attachments_are_found_beside_a_database_file(tmp_path: Path) -> None:
    today.build(tmp_path)

    found = contents(tmp_path / "chats.db")

    assert found["IMG 1.png"] == b"\x89PNG\r\n\x1a\n invented"
    assert found["a-green-leaf-12345.webp"] == b"RIFF invented WEBP"


def test_an_absolute_path_in_the_database_is_never_opened(tmp_path: Path) -> None:
    """A database from somebody else must not fetch files of this machine into an archive."""
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    with Builder(tmp_path / "instance.db") as db:
        db.chat(CHAT)
        db.turn("s", CHAT, "user", {"id": "u", "text": "hi"}, **SETS)
        db.add("attachments", id="a", created_at="2026-01-02 10:00:00", type="text", path=str(secret))
        db.add("message_attachments", message_id="u", attachment_id="a")

    assert contents(tmp_path / "instance.db", CHAT) == {"secret.txt": None}


def test_a_folder_of_files_behind_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "11111111-aaaa-4bbb-8ccc-222222222222.png").write_bytes(b"not the instance's")
    instance = tmp_path / "instance"
    today.build(instance)
    for file in (instance / "uploads" / "originals").iterdir():
        file.unlink()
    (instance / "uploads" / "originals").rmdir()
    (instance / "uploads" / "originals").symlink_to(outside, target_is_directory=True)

    for path in (instance, instance / "chats.db"):
        assert contents(path)["IMG 1.png"] is None


def test_a_backup_archive_is_read_with_its_files(tmp_path: Path) -> None:
    today.build(tmp_path / "instance")
    path = tmp_path / "chorus_backup_production_20260110_090000.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((tmp_path / "instance").rglob("*")):
            if file.is_file():
                archive.write(file, f"chorus_backup/{file.relative_to(tmp_path / 'instance')}")
        archive.writestr("chorus_backup/BACKUP_INFO.txt", "made by the script")

    assert chorus_app.recognises(probe(path))
    assert contents(path)["IMG 1.png"] == b"\x89PNG\r\n\x1a\n invented"


@pytest.mark.parametrize("given", [".config/sh.chorus.app", ".local/share/sh.chorus.app"])
def test_both_halves_of_an_instance_on_linux_are_found_from_either(given: str, tmp_path: Path) -> None:
    """There the database lies in the config folder, the files in the data folder."""
    data = tmp_path / ".local/share/sh.chorus.app"
    today.build(data)
    config = tmp_path / ".config/sh.chorus.app"
    config.mkdir(parents=True)
    (data / "chats.db").rename(config / "chats.db")

    path = tmp_path / given

    assert chorus_app.recognises(probe(path))
    assert contents(path)["IMG 1.png"] == b"\x89PNG\r\n\x1a\n invented"


def test_a_data_folder_without_its_database_says_where_to_look(tmp_path: Path) -> None:
    folder = tmp_path / "sh.chorus.app"
    today.build(folder)
    (folder / "chats.db").unlink()

    with pytest.raises(UnreadableSourceError, match="config"):
        items(folder)


def test_a_second_instance_in_the_same_folder_is_named(tmp_path: Path) -> None:
    today.build(tmp_path / "sh.chorus.app")
    today.build(tmp_path / "sh.chorus.app.dev")

    assert NotImported("databases of other instances", 1) in items(tmp_path)


# --- what it is ---


def test_another_database_of_that_name_is_not_recognised(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "chats.db"))
    connection.execute("CREATE TABLE conversation (id TEXT); CREATE TABLE message (id TEXT)")
    connection.close()

    assert not chorus_app.recognises(probe(tmp_path / "chats.db"))
    assert not chorus_app.recognises(probe(tmp_path))


def test_a_view_does_not_pass_for_a_table(tmp_path: Path) -> None:
    """A view runs whatever its author wrote, for ever if he likes."""
    with Builder(tmp_path / "chats.db") as db:
        db.connection.execute(
            "DROP TABLE chats; CREATE VIEW chats AS "
            "WITH RECURSIVE c(id) AS (SELECT '1' UNION ALL SELECT id || '1' FROM c) SELECT id FROM c"
        )

    assert not [item for item in items(tmp_path / "chats.db") if isinstance(item, Record)]


def test_columns_of_a_newer_schema_are_kept(tmp_path: Path) -> None:
    with Builder(tmp_path / "chats.db") as db:
        db.connection.execute("ALTER TABLE messages ADD COLUMN mood TEXT; ALTER TABLE chats ADD COLUMN colour TEXT")
        db.connection.execute("CREATE TABLE skills (id TEXT); INSERT INTO skills VALUES ('s')")
        db.chat(CHAT, colour="green")
        db.turn("s", CHAT, "user", {"id": "u", "text": "hi", "mood": "fine"}, **SETS)

    found = conversations(tmp_path / "chats.db")[CHAT]

    assert found.extra["colour"] == "green"
    assert found.messages[0].extra["mood"] == "fine"
    assert NotImported("skills", 1) in items(tmp_path / "chats.db")


# --- damage ---


def test_text_that_is_not_utf8_is_read_and_reported(tmp_path: Path) -> None:
    with Builder(tmp_path / "chats.db") as db:
        db.chat(CHAT, title="whole")
        db.turn("s", CHAT, "user", {"id": "u", "text": "x"}, **SETS)
        db.connection.execute("UPDATE messages SET text = CAST(x'61ff62' AS TEXT)")

    found = conversations(tmp_path / "chats.db")[CHAT]

    assert found.title == "whole"
    assert found.messages[0].parts == (Text(text="a\ufffdb"),)
    assert [problem.where.rpartition(" ")[2] for problem in found.problems] == ["messages.text"]


def test_a_damaged_page_costs_the_chats_on_it(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    with Builder(path) as db:
        for number in range(50):
            db.chat(f"chat-{number}")
            db.turn(f"s{number}", f"chat-{number}", "user", {"id": f"u{number}", "text": "long " * 2000}, **SETS)
    data = bytearray(path.read_bytes())
    for page in range(len(data) // 4096 // 2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = os.urandom(64)
    path.write_bytes(data)

    try:
        found = items(path)
    except UnreadableSourceError:
        return

    assert any(isinstance(item, Skipped) for item in found)


def test_messages_without_ids_stay_apart(tmp_path: Path) -> None:
    """A TEXT PRIMARY KEY may be NULL, any number of times."""
    with Builder(tmp_path / "chats.db") as db:
        db.chat(CHAT)
        db.turn("s", CHAT, "user", {"id": None, "text": "one"}, {"id": None, "text": "two"}, **SETS)

    found = conversations(tmp_path / "chats.db")[CHAT]

    assert len({message.source_id for message in found.messages}) == 2
    assert len(found.problems) == 2


# --- records ---


def test_fingerprints_are_the_same_for_the_same_chats_wherever_they_lie(tmp_path: Path) -> None:
    for name in ("one", "two"):
        today.build(tmp_path / name)

    assert fingerprints(tmp_path / "one") == fingerprints(tmp_path / "two" / "chats.db")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE message_parts SET content = content || '!' WHERE message_id = 'a0' AND level = 4",
        "UPDATE messages SET selected = 1 - selected WHERE message_set_id = 's1'",
        "UPDATE projects SET name = 'Garden' WHERE name = ''",
        "UPDATE model_configs SET model_id = 'openai::gpt-5'",
        "UPDATE attachments SET original_name = 'new.png' WHERE id = 'att-image'",
        "INSERT OR REPLACE INTO message_drafts VALUES ('0a1b2c3d4e5f60718293a4b5c6d7e8f9', 'more')",
    ],
)
def test_a_change_anywhere_in_a_chat_changes_its_fingerprint(change: str, tmp_path: Path) -> None:
    """The app does not touch a chat's time when it writes an answer; only the rows themselves tell."""
    path = today.build(tmp_path)
    before = fingerprints(path)
    connection = apsw.Connection(str(path))
    connection.execute(change)
    connection.close()

    after = fingerprints(path)

    assert before[0] != after[0]
    assert before[3] == after[3]


def test_records_can_be_loaded_twice_and_in_any_order(tmp_path: Path) -> None:
    today.build(tmp_path)
    with open_source(tmp_path) as source:
        records = [item for item in chorus_app.read(source) if isinstance(item, Record)]
        first = [repr(record.load()).split("open=")[0] for record in records]
        second = [repr(record.load()).split("open=")[0] for record in reversed(records)]

    assert first == second[::-1]


@pytest.mark.parametrize("version", [40, 138])
def test_a_long_chat_among_many_is_read_in_linear_time(version: int, tmp_path: Path) -> None:
    """Old schemas have no index on the chat: looking each one up would take minutes here."""
    path = tmp_path / "chats.db"
    columns = SETS if version == 138 else {}
    with Builder(path, version) as db:
        db.chat("long")
        for number in range(10_000):
            level = (
                {**columns, "level": number} if version == 138 else {"parent_id": f"s{number - 1}" if number else None}
            )
            db.turn(f"s{number}", "long", "user", {"id": f"m{number}", "text": "x"}, **level)
        db.connection.execute("UPDATE messages SET text = printf('%.*c', 1000000, 'x') WHERE id = 'm5000'")
        for number in range(2_000):
            db.chat(f"chat-{number}")
            db.turn(f"t{number}", f"chat-{number}", "user", {"id": f"n{number}", "text": "x"}, **columns)

    started = time.monotonic()
    found = conversations(path)

    assert time.monotonic() - started < 20
    assert found["long"].head_id == "m9999"
    assert [message.parent_id for message in found["long"].messages[1:]] == [f"m{n}" for n in range(9_999)]


# --- content ---


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("<think>\nHm.\n</think>\n\nYes.", [Thinking, Text]),
        ("Before\n<thought>a</thought>between\n<think>b", [Text, Thinking, Text, Thinking]),
        ("In code: `<think>` is a tag", [Text]),
        ("<think></think>", [Thinking]),
        ("", []),
    ],
)
def test_thinking_is_set_apart_and_the_text_can_be_put_together_again(text: str, kinds: list[type]) -> None:
    parts = list(text_parts(text))

    again = ""
    for part in parts:
        if isinstance(part, Thinking):
            tag = part.extra.get("tag", "<think>")
            again += tag + part.text + ("" if part.extra.get("unclosed") else f"</{tag.strip('<>')}>")
        else:
            assert isinstance(part, Text)
            again += part.text
    assert again == text
    assert [type(part) for part in parts] == kinds


def test_a_tool_result_that_is_no_text_is_kept_as_it_is(tmp_path: Path) -> None:
    with Builder(tmp_path / "chats.db") as db:
        db.chat(CHAT)
        db.turn("s", CHAT, "ai", {"id": "a", "level": 0, "selected": 1}, level=1, selected_block_type="tools")
        db.parts(CHAT, "a", ("", None, '[{"id": "c", "content": {"rows": [1, null]}, "new": 1}]'))

    [part] = conversations(tmp_path / "chats.db")[CHAT].messages[0].parts

    assert isinstance(part, ToolResult)
    assert (part.output, part.extra) == ({"rows": [1, None]}, {"new": 1})


@pytest.mark.parametrize("name", sorted(ERAS))
def test_every_message_of_every_era_is_there_once(name: str, tmp_path: Path) -> None:
    ERAS[name](tmp_path / "chats.db")
    connection = apsw.Connection(str(tmp_path / "chats.db"))
    stored = {row[0] for row in connection.execute("SELECT id FROM messages")}
    connection.close()

    found = [message.source_id for message in conversations(tmp_path)[CHAT].messages]

    assert sorted(found) == sorted(stored)
