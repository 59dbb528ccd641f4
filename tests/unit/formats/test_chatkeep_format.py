"""Chatkeep's own format: lossless, and honest about damage."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatkeep.encoding import conversation_digest
from chatkeep.errors import UnreadableSourceError
from chatkeep.formats import registry
from chatkeep.formats.adapters import chatkeep
from chatkeep.formats.protocol import ExportRecord, OwnConversation, Record, Skipped
from chatkeep.formats.sources import open_source, probe
from chatkeep.model import Attachment, Conversation, Message, Project, RawPart, SourceKey, Text, Usage
from tests.golden.writers.conversations import everything, open_blob, tea

START = datetime(2026, 1, 2, tzinfo=UTC)


def found(path: Path) -> list[Record | Skipped]:
    with open_source(path) as source:
        return list(chatkeep.read(source))


def loaded(path: Path) -> list[OwnConversation]:
    values = [record.load() for record in found(path) if isinstance(record, Record)]
    return [value for value in values if isinstance(value, OwnConversation)]


def exported(tmp_path: Path, records: list[ExportRecord] | None = None) -> Path:
    path = tmp_path / "x.jsonl"
    chatkeep.write(everything() if records is None else records, path)
    return path


def edited(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_is_written_is_read_back_whole(tmp_path: Path) -> None:
    records = everything()
    path = exported(tmp_path, records)

    got = loaded(path)

    assert registry.recognise(probe(path)) is chatkeep
    for record, own in zip(records, got, strict=True):
        assert own.conversation == record.conversation
        assert own.project == record.project
        assert own.messages == tuple(record.messages)
        assert own.attachment_values == record.attachments
        assert own.problems == ()
        assert conversation_digest(own.conversation, own.messages) == conversation_digest(
            record.conversation, record.messages
        )


def test_every_field_survives(tmp_path: Path) -> None:
    """A field added to the model without a thought for this format would be noticed here."""
    conversation = Conversation(
        id="c", title="t", project_id="p", kind="agent", workspace="w", agent="a", session_id="s", head_id="m",
        pinned=True, archived=True, trashed_at=START, created_at=START, updated_at=START, message_count=1, preview="x",
        usage=Usage(input=1, output=2, cache_read=3, cache_write=4, reasoning=1), cost_nanos=5, models=("m",),
        tags=("t",), settings={"a": [1.5, None]}, source=SourceKey("chatgpt", "s", "i"), source_digest="d",
        overrides=("title",), version=7, extra={"chatgpt": {"k": {"深": True}}},
    )  # fmt: skip
    message = Message(
        seq=9, parent_id="gone", id="m", conversation_id="c", role="assistant", parts=(RawPart(kind="k", data=[{}]),),
        created_at=START, completed_at=START, model="m", provider="p", status="failed", hidden=True, reply_set="r",
        reply_index=2, selected=False, rating=-1, usage=Usage(output=1), cost_nanos=0, priced_by="source",
        source=SourceKey("f", "s", "i"), extra={"chatgpt": {"weight": 0}},
    )  # fmt: skip
    project = Project(
        id="p", name="n", parent_id="q", description="d", instructions="i", created_at=START, updated_at=START,
        source=SourceKey("f", "s", "i"), version=3, extra={"a": 1},
    )  # fmt: skip
    for value in (conversation, message, project):
        defaults = {field.name: field.default for field in msgspec.structs.fields(value)}
        assert [name for name, default in defaults.items() if getattr(value, name) == default] == []
    record = ExportRecord(conversation=conversation, project=project, messages=[message], open_blob=open_blob)

    (own,) = loaded(exported(tmp_path, [record]))

    assert (own.conversation, own.project, own.messages) == (conversation, project, (message,))


def test_attachments_are_streamed_in_and_out_and_stored_once(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    sha = sha256(data).hexdigest()
    attachment = Attachment(id="a", name="x", size_bytes=len(data), sha256=sha, created_at=START)
    records = [
        ExportRecord(
            conversation=Conversation(id=f"c{number}", created_at=START, updated_at=START),
            project=None,
            messages=(),
            attachments=(attachment, msgspec.structs.replace(attachment, id=f"b{number}")),
            open_blob=lambda _: io.BytesIO(data),
        )
        for number in range(3)
    ]
    path = tmp_path / "x.jsonl"

    written = chatkeep.write(records, path)

    assert (written.attachments, written.missing_attachments) == (6, 0)
    assert path.stat().st_size < 1.5 * len(data)
    assert max(map(len, path.read_bytes().splitlines())) < 1024 * 1024 + 200
    for own in loaded(path):
        for source in own.attachments:
            assert source.open is not None
            with source.open() as stream:
                assert stream.read() == data


def test_missing_bytes_stay_missing_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"

    written = chatkeep.write([tea()], path)

    assert (written.attachments, written.missing_attachments) == (2, 1)
    assert [attachment.open is None for attachment in loaded(path)[0].attachments] == [False, False, True]


def test_a_damaged_attachment_fails_when_it_is_read(tmp_path: Path) -> None:
    path = exported(tmp_path, [tea()])
    path.write_bytes(path.read_bytes().replace(b'"base64":"iVBO', b'"base64":"jVBO'))

    (own,) = loaded(path)
    assert own.attachments[0].open is not None
    with own.attachments[0].open() as stream, pytest.raises(UnreadableSourceError, match="not as it was written"):
        stream.read()
    assert own.problems != ()


def test_a_file_cut_off_anywhere_gives_its_whole_conversations_and_says_so(tmp_path: Path) -> None:
    path = exported(tmp_path)
    raw = path.read_bytes()
    whole = {record.conversation.id for record in everything()}
    for cut in [*range(15, len(raw) - 1, 97), len(raw) - 2]:
        path.write_bytes(raw[:cut])

        records = found(path)

        assert isinstance(records[-1], Skipped), cut
        assert "cut off" in records[-1].reason, cut
        sound = set()
        for record in records:
            if isinstance(record, Record):
                try:
                    own = record.load()
                except ValueError:
                    continue
                if own.problems == () and isinstance(own, OwnConversation):
                    sound.add(own.conversation.id)
        ended = {id for id in whole if f'"end_of":"{id}","messages"'.encode() in raw[:cut]}
        assert sound <= ended, cut
        assert len(ended - sound) <= 1, cut


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_noticed_and_costs_one_conversation(tmp_path: Path, place: float, bit: int) -> None:
    path = tmp_path / "flipped.jsonl"
    path.unlink(missing_ok=True)
    chatkeep.write(everything(), path)
    raw = bytearray(path.read_bytes())
    raw[int(place * len(raw))] ^= 1 << bit
    path.write_bytes(raw)

    try:
        records = found(path)
    except UnreadableSourceError:
        return  # the header itself
    noticed = 0
    sound = 0
    for record in records:
        if isinstance(record, Skipped):
            noticed += 1
            continue
        try:
            problems = record.load().problems
        except ValueError:
            noticed += 1
            continue
        noticed += bool(problems)
        sound += not problems
    assert noticed > 0
    assert sound >= len(everything()) - 2


def test_a_message_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    def damage(lines: list[dict[str, Any]]) -> None:
        places = [line for line in lines if "message" in line]
        places[0]["message"]["role"] = "hunter2"
        places[1]["message"]["usage"] = {"input": 2**70}
        places[2]["message"]["parts"][0] = {"type": "hologram", "beam": 3}
        places[3]["message"]["conversation_id"] = "another"
        places[4]["message"]["created_at"] = "2026-01-02T10:00:00"
        places[5]["message"]["future"] = True

    (own,) = loaded(edited(exported(tmp_path, [tea()]), damage))

    assert [message.id for message in own.messages] == ["01-m3", "01-m4", "01-m5", "01-m6"]
    assert own.messages[0].parts[0] == RawPart(kind="hologram", data={"type": "hologram", "beam": 3})
    assert {message.conversation_id for message in own.messages} == {own.conversation.id}
    assert own.messages[2].created_at == datetime(2026, 1, 2, 10, tzinfo=UTC)
    # The lines were edited, two are lost, one part is raw, one names another conversation, one has a new field.
    assert len(own.problems) == 6
    assert "hunter2" not in str(own.problems)


def test_a_header_that_cannot_be_read_is_an_error_of_its_record(tmp_path: Path) -> None:
    def damage(lines: list[dict[str, Any]]) -> None:
        lines[1]["conversation"]["created_at"] = "9999-12-31T23:59:59-23:00"

    def sound(own: OwnConversation) -> bool:
        # `edited` writes every line a little differently, which is reported too.
        return all("edited" in problem.reason for problem in own.problems)

    records = [record for record in found(edited(exported(tmp_path), damage)) if isinstance(record, Record)]

    with pytest.raises(ValueError, match="out of range"):
        records[0].load()
    later = records[1].load()
    assert isinstance(later, OwnConversation)
    assert sound(later)


def test_numbers_out_of_order_are_given_anew(tmp_path: Path) -> None:
    def damage(lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if "message" in line:
                line["message"]["seq"] = 5

    (own, *_) = loaded(edited(exported(tmp_path, [tea()]), damage))

    assert [message.seq for message in own.messages] == [1, 2, 3, 4, 5, 6]


def test_lines_of_no_conversation_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"chatkeep":1}\n{"message":{}}\nnot json\n[1]\n{"end":{"conversations":4}}\n')

    assert [skipped.where for skipped in found(path) if isinstance(skipped, Skipped)] == [
        "x.jsonl line 2",
        "x.jsonl line 3",
        "x.jsonl line 4",
        "x.jsonl line 5",
    ]


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"chatkeep":2}\n')

    with pytest.raises(UnreadableSourceError, match="newer Chatkeep"):
        found(path)


def test_the_same_lines_have_the_same_fingerprint_and_others_another(tmp_path: Path) -> None:
    first = [record.fingerprint for record in found(exported(tmp_path)) if isinstance(record, Record)]
    (tmp_path / "x.jsonl").unlink()
    changed = everything()
    changed[1] = msgspec.structs.replace(changed[1], messages=[*changed[1].messages, _message("new", 99)])
    second = [record.fingerprint for record in found(exported(tmp_path, changed)) if isinstance(record, Record)]

    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, True, True, True]


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    root.mkdir()
    chatkeep.write([tea()], root / "a.jsonl")
    chatkeep.write(everything()[1:2], root / "b.jsonl")
    (root / "notes.jsonl").write_text("{}")

    assert registry.recognise(probe(root)) is chatkeep
    assert len(loaded(root)) == 2


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Any:
        yield tea()
        raise RuntimeError("the store went away")

    with pytest.raises(RuntimeError):
        chatkeep.write(failing(), tmp_path / "x.jsonl")

    assert list(tmp_path.iterdir()) == []


def _message(id: str, seq: int) -> Message:
    return Message(
        seq=seq, id=id, conversation_id=everything()[1].conversation.id, role="user", parts=(Text(text="x"),),
        created_at=START,
    )  # fmt: skip
