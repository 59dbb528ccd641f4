"""ChatGPT exports: files, shards, copies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.adapters import chatgpt
from chatkeep.formats.adapters.chatgpt.files import file_id, last_segment
from chatkeep.formats.protocol import NotImported, Record, Skipped, SourceConversation
from chatkeep.formats.sources import open_source
from tests.unit.formats.chatgpt_samples import conversation, loaded, node, one, packed, picture, read, reports


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["conversations-1000.json", "conversations-002.json", "conversations-999.json"]
    path = packed(tmp_path / "e.zip", {f"in/{name}": [conversation(name)] for name in names})

    assert [each.source_id for each in loaded(path)] == [names[1], names[2], names[0]]


def test_a_gap_in_the_numbers_is_reported(tmp_path: Path) -> None:
    names = ("conversations-000.json", "conversations-003.json", "conversations.json.index")
    path = packed(tmp_path / "e.zip", {name: [conversation(name)] for name in names})

    reported = reports(read(path))

    assert [line.split(":")[0] for line in reported] == ["conversations-001.json", "conversations-002.json"]


def test_a_huge_number_is_reported_in_few_words(tmp_path: Path) -> None:
    """Hostile: a billion missing files must not be counted one by one."""
    names = ("conversations-000.json", "conversations-999999999999.json")
    path = packed(tmp_path / "e.zip", {name: [conversation(name)] for name in names})

    assert reports(read(path))[-1] == "conversations: and 999999999993 more files are missing"


@pytest.mark.parametrize(
    "manifest", [b"{broken", b"[]", b'{"logical_files": {}}', b'{"logical_files": {"conversations.json": 3}}']
)
def test_without_a_usable_manifest_file_names_decide(manifest: bytes, tmp_path: Path) -> None:
    files: dict[str, object] = {"export_manifest.json": manifest, "conversations-000.json": [conversation("a")]}
    files["conversations.json"] = [conversation("b")]

    assert [each.source_id for each in loaded(packed(tmp_path / "e.zip", files))] == ["a", "b"]


def test_a_damaged_shard_costs_only_itself(tmp_path: Path) -> None:
    files: dict[str, object] = {"conversations-000.json": b"\0\1", "conversations-001.json": [conversation("b")]}
    path = packed(tmp_path / "e.zip", files)
    found = read(path)

    assert len([item for item in found if isinstance(item, Record)]) >= 1
    assert loaded_ids(path) == ["b"]


def loaded_ids(path: Path) -> list[str]:
    ids = []
    with open_source(path) as source:
        for item in chatgpt.read(source):
            if isinstance(item, Record):
                try:
                    found = item.load()
                except ValueError:
                    continue
                assert isinstance(found, SourceConversation)
                ids.append(found.source_id)
    return ids


def test_what_stands_before_a_cut_is_read(tmp_path: Path) -> None:
    whole = json.dumps([conversation("a"), conversation("b"), conversation("c")])
    path = tmp_path / "conversations.json"
    path.write_text(whole[: len(whole) - 40], "utf-8")

    found = read(path)

    assert [type(item) for item in found] == [Record, Record, Skipped]


def test_a_folder_of_single_conversations_is_read(tmp_path: Path) -> None:
    """Browser extensions save one file per conversation."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(conversation(name)), "utf-8")
    (tmp_path / "other.json").write_text('{"unrelated": [1, 2]}', "utf-8")

    assert [each.source_id for each in loaded(tmp_path)] == ["a", "b"]
    assert NotImported("other.json", 2) in read(tmp_path)


def test_a_source_without_chats_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSourceError):
        read(packed(tmp_path / "e.zip", {"user.json": {}}))


def test_an_exact_copy_is_passed_over_and_an_older_one_reported(tmp_path: Path) -> None:
    first = conversation("a", update_time=20.0)
    files = {"conversations-000.json": [first, first, first | {"update_time": 10.0}]}

    found = read(packed(tmp_path / "e.zip", files))

    assert [type(item) for item in found] == [Record, Skipped]


def fingerprints(path: Path) -> list[str | None]:
    return [item.fingerprint for item in read(path) if isinstance(item, Record)]


def test_a_fingerprint_stands_for_all_that_decides_the_outcome(tmp_path: Path) -> None:
    """Else a rating given later, or an edited title, would never be imported."""
    chats = [conversation("a"), conversation("b")]
    rating = {"id": "m", "conversation_id": "a", "rating": "thumbs_up"}
    before = fingerprints(packed(tmp_path / "1.zip", {"conversations.json": chats}))
    again = fingerprints(packed(tmp_path / "2.zip", {"x/conversations.json": chats, "message_feedback.json": []}))
    rated = fingerprints(packed(tmp_path / "3.zip", {"conversations.json": chats, "message_feedback.json": [rating]}))
    edited = fingerprints(packed(tmp_path / "4.zip", {"conversations.json": [chats[0], chats[1] | {"title": "b"}]}))

    assert before == again
    assert (rated[0] != before[0], rated[1] != before[1]) == (True, False)
    assert (edited[0] != before[0], edited[1] != before[1]) == (False, True)


@pytest.mark.parametrize(
    "name",
    ["message_feedback.json", "library_files.json", "conversation_asset_file_names.json", "shared_conversations.json"],
)
@pytest.mark.parametrize("value", [b"\xff\xfe{", b"7", b"[[[", b'{"a": {}}', b"[1, null, {}]", b"null"])
def test_a_bad_side_file_costs_only_itself(name: str, value: bytes, tmp_path: Path) -> None:
    path = packed(tmp_path / "e.zip", {"conversations.json": [conversation("a")], name: value})

    assert [each.source_id for each in loaded(path)] == ["a"]
    assert any(line.startswith(name) for line in reports(read(path)))


def test_no_personal_data_is_taken_over(tmp_path: Path) -> None:
    personal = {"user_id": "user-77", "email": "ada@mail.example", "phone_number": "+1000000"}
    files = {
        "conversations.json": [conversation("a", owner=personal, **personal)],
        "user.json": personal,
        "message_feedback.json": [{"id": "m", "conversation_id": "a", "rating": "thumbs_up", "user_id": "user-77"}],
    }
    path = packed(tmp_path / "e.zip", files)

    shown = repr(loaded(path))
    assert [secret for secret in personal.values() if secret in shown] == []


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        ("file-service://file-AbC1", "file-AbC1-a photo.png"),
        ("file-service://file-AbC1", "dalle-generations/file-AbC1-0b6f.webp"),
        ("sediment://file_00ab", "file_00ab-sanitized.png"),
        ("sediment://file_00ab#frag", "user-xyz/file_00ab-0b6f.png"),
        ("sediment://file_00ab", "a/audio/file_00ab-0b6f.wav"),
        ("sediment://file_00ab", "file_00ab.dat"),
        ("file_00ab", "deep/in/folders/file_00ab"),
    ],
)
def test_bytes_are_found_under_every_naming(pointer: str, name: str, tmp_path: Path) -> None:
    chats = [conversation("a", node("m", None, picture(pointer)))]
    path = packed(tmp_path / "e.zip", {"conversations.json": chats, name: b"bytes", "file_00abc.dat": b"another"})
    with open_source(path) as source:
        [record] = [item for item in chatgpt.read(source) if isinstance(item, Record)]
        [attachment] = record.load().attachments
        assert attachment.open is not None
        with attachment.open() as stream:
            content = stream.read()

    assert content == b"bytes"


@pytest.mark.parametrize(
    "pointer", ["file-service://file", "sediment://", "", "f", "../../etc/passwd", "https://a.example/x"]
)
def test_a_pointer_that_is_no_id_finds_nothing(pointer: str, tmp_path: Path) -> None:
    chats = [conversation("a", node("m", None, picture(pointer)))]
    files: dict[str, object] = {f"file-{index}-x.png": b"bytes" for index in range(3)}
    [found] = loaded(packed(tmp_path / "e.zip", {"conversations.json": chats, **files}))

    assert [attachment.open for attachment in found.attachments] in ([None], [])


def test_names_from_side_files_lose_their_folders() -> None:
    assert [last_segment(name) for name in ("a/b.png", "..", "..\\..\\c.exe", "/", "C:\\x", " d ")] == [
        "b.png",
        "",
        "c.exe",
        "",
        "x",
        "d",
    ]
    assert file_id("sediment://file_1#a?b") == "file_1"


def test_a_file_mentioned_twice_is_one_attachment(tmp_path: Path) -> None:
    entry = {"attachments": [{"id": "file_1", "name": "loaf.png", "mime_type": "image/png"}]}
    nodes = (
        node("a", None, picture("sediment://file_1")),
        node("b", "a", picture("sediment://file_1"), metadata=entry),
    )

    found = one(tmp_path, conversation("c", *nodes))

    assert [(each.source_id, each.name, each.media_type) for each in found.attachments] == [
        ("file_1", "loaf.png", "image/png")
    ]
    assert [len(message.parts) for message in found.messages] == [1, 1]
