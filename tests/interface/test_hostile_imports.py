"""Files that mean harm, through the real command line: reported, never obeyed, and the rest arrives."""

from __future__ import annotations

import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chatkeep
from tests.interface.child import Child, chatkeep_process
from tests.unit.formats.chatgpt_samples import conversation, node, picture

MEGABYTE = 1 << 20
MOST_MEMORY = 250 * MEGABYTE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memory is measured as POSIX systems tell it")


def chat(id: str, text: object = "fine", **fields: Any) -> str:
    return json.dumps(conversation(id, node(f"{id}-m", None, text), title=f"title of {id}", **fields))


def import_it(path: Path, home: Path, *options: str) -> Child:
    done = chatkeep_process("import", path, "--home", home, "--json", *options)
    assert "Traceback" not in done.err
    assert done.peak_bytes < MOST_MEMORY
    return done


def titles(home: Path) -> list[str]:
    with chatkeep.open(home) as keep:
        assert keep.check().findings == ()
        return sorted(str(item.title) for item in keep.conversations.list().items)


DEEP = 100_000
# What one record can do to a reader; `%` is the record's id, and each is between two that are well.
RECORDS = {
    "deep lists": '{"id":"%","mapping":{},"x":' + "[" * DEEP + "]" * DEEP + "}",
    "deep objects": '{"id":"%","mapping":{},"x":' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
    "a twin key": chat("%").replace('"create_time"', '"id":"twin","create_time"', 1),
    "NaN": chat("%").replace("1730000000.0", "NaN"),
    "infinity": chat("%").replace("1730000000.0", "-Infinity"),
    "no time": chat("%").replace("1730000000.0", "1e400"),
    "endless integer": chat("%").replace("1730000000.0", "9" * 5_000),
    "lone surrogate": chat("%", "half \ud800 of"),
    "NUL": chat("%", "nothing \0 here"),
    "own parent": chat("%").replace('"parent": null', '"parent": "%-m"'),
    "no object": '["%"]',
    "nothing": "null",
    "text for a tree": '{"id":"%","mapping":"tree"}',
    "a picture of the system": json.dumps(
        conversation("%", node("p", None, picture("file-service://../../../etc/passwd")))
    ),
}


@pytest.mark.parametrize("kind", ["array", "zip"])
def test_every_hostile_record_is_read_or_reported_and_its_neighbours_arrive(tmp_path: Path, kind: str) -> None:
    hostile = [text.replace("%", f"bad{number}") for number, text in enumerate(RECORDS.values())]
    content = "[" + ",".join([chat("first"), *hostile, chat("last")]) + "]"
    path = tmp_path / "conversations.json"
    path.write_text(content)
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "conversations.json")
        path = tmp_path / "export.zip"

    done = import_it(path, tmp_path / "keep")

    assert done.code == 0
    [source] = done.json["sources"]
    assert {"title of first", "title of last"} <= set(titles(tmp_path / "keep"))
    added, skipped = source["conversations"]["added"], source["conversations"]["skipped"]
    assert added + skipped == len(RECORDS) + 2
    assert skipped < 8
    reported = " ".join(problem["where"] for problem in source["skipped"])
    for name in ("deep lists", "deep objects", "no object", "nothing", "text for a tree"):
        assert f"item {list(RECORDS).index(name) + 2}" in reported
    assert import_it(path, tmp_path / "again", "--strict").code == 1


NAMES = ("../evil.json", "/tmp/evil.json", "a/../../evil.json", "..\\evil.json", "C:\\evil.json")


def test_names_that_lead_out_of_an_archive_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "in" / "export.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("conversations.json", f"[{chat('good')}]")
        for name in NAMES:
            archive.writestr(name, "evil")
    before = set(tmp_path.rglob("*"))

    done = import_it(path, tmp_path / "keep")

    [source] = done.json["sources"]
    assert (done.code, len(source["skipped"])) == (0, len(NAMES))
    assert titles(tmp_path / "keep") == ["title of good"]
    assert [made for made in set(tmp_path.rglob("*")) - before if tmp_path / "keep" not in (made, *made.parents)] == []
    assert not any("evil" in made.name for made in (tmp_path / "keep").rglob("*"))


def _bomb(path: Path, megabytes: int, **files: str) -> None:
    """An archive with honest files and ``bomb.json``, of so many megabytes of zeros in a thousandth of that."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = one * megabytes + b"\x03\x00"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_json", ".json"), content)
        archive.writestr("bomb.bin", data)
    raw = path.read_bytes()
    # The packed bytes were stored; both headers are made to say that they are packed.
    for signature, method_at, size_at in ((b"PK\x03\x04", 8, 22), (b"PK\x01\x02", 10, 24)):
        start = raw.rindex(signature)
        raw = raw[: start + method_at] + struct.pack("<H", 8) + raw[start + method_at + 2 :]
        raw = raw[: start + size_at] + struct.pack("<I", megabytes * MEGABYTE) + raw[start + size_at + 4 :]
    path.write_bytes(raw.replace(b"bomb.bin", b"bomb.png"))


def test_a_bomb_is_refused_and_the_next_source_arrives(tmp_path: Path) -> None:
    chats = conversation("bad", node("p", None, picture("file-service://bomb")), title="beside the bomb")
    _bomb(tmp_path / "export.zip", 1_100, conversations_json=f"[{json.dumps(chats)}]")
    (tmp_path / "good.json").write_text(f"[{chat('good')}]")

    done = chatkeep_process("import", tmp_path / "export.zip", tmp_path / "good.json", "--home", tmp_path / "keep")

    assert (done.code, "zip bomb" in done.err) == (53, True)
    assert done.peak_bytes < MOST_MEMORY
    assert titles(tmp_path / "keep") == ["title of good"]


def _giant(path: Path, before: str, after: str, size: int) -> None:
    # Sparse: the zeros take no room on the disk.
    with path.open("wb") as file:
        # So that what the file is, is seen before the zeros begin.
        file.write(before.encode())
        file.seek(size)
        file.write(after.encode())


def _own_lines(path: Path) -> None:
    with chatkeep.open(path.parent / "source") as keep:
        for title in ("one", "two"):
            keep.messages.append(keep.conversations.create(title=title).id, "user", "x" * 70_000)
        keep.export(None, to="chatkeep", destination=path.with_name("whole.jsonl"))
    lines = path.with_name("whole.jsonl").read_text().splitlines(keepends=True)
    _giant(path, "".join(lines[:4]) + '{"message":{"id":"', '"}}\n' + "".join(lines[4:]), 1024 * MEGABYTE)


def _array(path: Path) -> None:
    before = f'[{chat("one", "x" * 70_000)},{{"id":"big","title":"'
    _giant(path, before, f'"}},{chat("two")}]', 300 * MEGABYTE)


@pytest.mark.parametrize(
    ("write", "expected"), [(_own_lines, ["one", "two"]), (_array, ["title of one", "title of two"])]
)
def test_one_endless_line_costs_neither_memory_nor_its_neighbours(
    tmp_path: Path, write: Callable[[Path], None], expected: list[str]
) -> None:
    path = tmp_path / "giant.json"
    write(path)

    done = import_it(path, tmp_path / "keep")

    assert done.code == 0
    assert any("larger than" in problem["reason"] for problem in done.json["totals"]["skipped"])
    assert titles(tmp_path / "keep") == expected


def test_exit_codes_are_those_of_the_first_failure_and_the_others_arrive(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text('{"what": "is this"}')
    (tmp_path / "yes.json").write_text(f"[{chat('good')}]")
    done = chatkeep_process(
        "import", tmp_path / "no.json", tmp_path / "gone.json", tmp_path / "yes.json", "--home", tmp_path / "keep"
    )

    assert done.code == 51
    assert titles(tmp_path / "keep") == ["title of good"]
