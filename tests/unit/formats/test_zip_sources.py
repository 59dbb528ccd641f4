"""Archives from anybody: read in place, never obeyed."""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from chatkeep.errors import UnreadableSourceError
from chatkeep.formats.protocol import Skipped
from chatkeep.formats.sources import ZipLimits, open_source, probe


def made(path: Path, entries: dict[str, bytes] | list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name twice is the point
        for name, data in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, data)
    return path


def names(path: Path) -> list[str]:
    with open_source(path) as source:
        return [member.name for member in source.members()]


def read(path: Path, base_name: str) -> bytes:
    with open_source(path) as source:
        member = source.member(base_name)
        assert member is not None
        with member.open() as stream:
            return stream.read()


def test_members_are_sorted_and_read_in_place(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"b/user.json": b"{}", "b/conversations.json": b"[1]", "a.txt": b"x", "c/": b""})

    assert names(path) == ["a.txt", "b/conversations.json", "b/user.json"]
    assert read(path, "conversations.json") == b"[1]"
    assert sorted(tmp_path.rglob("*")) == [path]


def test_the_member_that_lies_least_deep_is_the_one_of_its_name(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a/b/x.json": b"deep", "z/x.json": b"shallow"})

    assert read(path, "x.json") == b"shallow"


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil.json", "C:evil.json", "a/../../evil.json", "..\\evil.json"]
)
def test_names_that_lead_out_are_reported_and_not_read(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / "x.zip", {name: b"{}", "good.json": b"{}"})

    with open_source(path) as source:
        assert [member.name for member in source.members()] == ["good.json"]
        assert source.skipped == (Skipped(name, "its name leads out of the archive, or is no name"),)


def test_names_with_backslashes_are_paths(tmp_path: Path) -> None:
    """Old Windows programs write them."""
    path = made(tmp_path / "x.zip", {"export\\conversations.json": b"[]"})

    assert names(path) == ["export/conversations.json"]


def test_links_and_devices_are_reported_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind in (("link", stat.S_IFLNK), ("pipe", stat.S_IFIFO), ("file", stat.S_IFREG)):
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, b"/etc/passwd")

    with open_source(path) as source:
        assert [member.name for member in source.members()] == ["file"]
        assert source.skipped == (Skipped("link", "a symbolic link"), Skipped("pipe", "not a regular file"))


def test_of_one_name_twice_the_last_is_read_and_it_is_told(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", [("a.json", b"1"), ("a.json", b"2")])

    assert read(path, "a.json") == b"2"
    with open_source(path) as source:
        assert [skipped.where for skipped in source.skipped] == ["a.json"]


def test_names_in_utf8_without_the_flag_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    made(path, {"聊天.json": b"[]"})
    raw = path.read_bytes()
    # Take the flag out of the local and the central header.
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.index(magic) + at
        raw = raw[:place] + struct.pack("<H", struct.unpack_from("<H", raw, place)[0] & ~0x800) + raw[place + 2 :]
    path.write_bytes(raw)

    assert names(path) == ["聊天.json"]


def test_files_that_macos_adds_are_none_of_the_export(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"__MACOSX/._a.json": b"", "a.json": b"", "b/.DS_Store": b""})

    assert names(path) == ["a.json"]


def test_a_flipped_bit_is_an_error_that_names_the_member(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": b"hello hello", "b.json": b"fine"}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"hello")] ^= 1
    path.write_bytes(raw)

    with pytest.raises(UnreadableSourceError, match=r"a\.json: damaged in the zip"):
        read(path, "a.json")
    assert read(path, "b.json") == b"fine"


def test_a_zip_cut_off_anywhere_is_an_error_and_no_crash(tmp_path: Path) -> None:
    whole = made(tmp_path / "x.zip", {"a.json": b"hello" * 20, "b.json": b"x"}).read_bytes()
    for cut in range(4, len(whole)):
        path = tmp_path / "cut.zip"
        path.write_bytes(whole[:cut])
        with pytest.raises(UnreadableSourceError):
            read(path, "a.json")


def test_a_zip_with_any_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    whole = made(tmp_path / "x.zip", {"a.json": b"hello" * 20}).read_bytes()
    path = tmp_path / "changed.zip"
    for at in range(4, len(whole)):
        for value in (0x00, 0xFF, whole[at] ^ 0x10):
            path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                with open_source(path) as source:
                    for member in source.members():
                        with member.open() as stream:
                            stream.read()
            except UnreadableSourceError:
                continue


def test_an_encrypted_zip_is_told_to_be_one(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": b"{}"}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)

    with pytest.raises(UnreadableSourceError, match=r"x\.zip: a\.json is encrypted"):
        open_source(path)


def test_a_bomb_is_refused_before_a_byte_is_unpacked(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": b"0" * 4_000_000})
    limits = ZipLimits(ratio=500, ratio_from_bytes=1_000_000)

    with pytest.raises(UnreadableSourceError, match="zip bomb"):
        open_source(path, zip_limits=limits)
    with pytest.raises(UnreadableSourceError, match="zip bomb"):
        open_source(path, zip_limits=ZipLimits(total_bytes=3_999_999))


def test_honest_repetition_is_no_bomb(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": b"0" * 4_000_000})

    assert len(read(path, "a.json")) == 4_000_000


def test_entries_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    """One packed block listed many times is how a small zip unpacks to terabytes without a suspicious ratio each."""
    path = made(tmp_path / "x.zip", {"a.json": bytes(range(256)) * 40}, zipfile.ZIP_STORED)
    raw = path.read_bytes()
    start, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    entry = raw[start:end]
    directory = entry + entry.replace(b"a.json", b"b.json")
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), start, 0)
    path.write_bytes(raw[:start] + directory + tail)

    with pytest.raises(UnreadableSourceError, match="overlap"):
        open_source(path)


def test_a_member_never_gives_more_than_it_declares(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": b"0" * 100_000})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 24, 10)
    path.write_bytes(raw)

    with pytest.raises(UnreadableSourceError, match=r"a\.json"):
        read(path, "a.json")


def test_a_list_of_files_beyond_all_measure_is_not_read(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {f"{n}.json": b"" for n in range(100)})

    with pytest.raises(UnreadableSourceError, match="lists more files"):
        open_source(path, zip_limits=ZipLimits(directory_bytes=2_000))


def test_packing_that_cannot_be_bounded_is_reported(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": b"x"}, zipfile.ZIP_BZIP2)

    with open_source(path) as source:
        assert source.members() == []
        assert [skipped.where for skipped in source.skipped] == ["a.json"]


def test_a_probe_shows_names_and_the_beginning_of_the_conversations(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": b"no", "b/c/conversations-1.json": b"\xef\xbb\xbf[yes]"})

    found = probe(path)

    assert (found.kind, found.names, found.head) == ("zip", ("a.json", "b/c/conversations-1.json"), b"[yes]")


def test_a_member_can_be_read_from_the_middle(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", {"a.json": bytes(range(256)) * 5_000})

    with open_source(path) as source, source.members()[0].open() as stream:
        stream.seek(1_000_000)
        late = stream.read(3)
        stream.seek(1)
        early = stream.read(3)

    assert (late, early) == (bytes((64, 65, 66)), bytes((1, 2, 3)))
