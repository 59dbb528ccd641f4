"""Destinations: whole or not there, and never over anything."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.errors import DestinationError, DestinationExistsError, UsageError
from chatkeep.formats import registry
from chatkeep.formats.adapters import markdown
from chatkeep.formats.naming import FreeNames, safe_name, split_extension
from chatkeep.formats.protocol import Skipped
from chatkeep.formats.writing import LeftOut, new_file, new_folder
from tests.golden.writers.conversations import everything, record, tea


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill_file(path: Path, *, other: str | None = None, fail: bool = False) -> None:
    with new_file(path) as stream:
        stream.write(b"ours")
        if other is not None:
            path.write_text(other)
        if fail:
            raise RuntimeError


def fill_folder(path: Path, *, other: str | None = None, fail: bool = False) -> None:
    with new_folder(path) as folder:
        (folder / "a").write_text("ours")
        if other is not None:
            path.mkdir()
            (path / "a").write_text(other)
        if fail:
            raise RuntimeError


def test_a_file_appears_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x"
    with new_file(path) as stream:
        stream.write(b"a")
        assert not path.exists()

    assert path.read_bytes() == b"a"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(path.parent) == ["x"]


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        fill_file(tmp_path / "x", fail=True)
    with pytest.raises(RuntimeError):
        fill_folder(tmp_path / "y", fail=True)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["file", "folder", "link"])
def test_what_is_there_is_never_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("precious")
    (tmp_path / "link").symlink_to("nowhere")
    before = names_in(tmp_path)

    for fill in (fill_file, fill_folder):
        with pytest.raises(DestinationExistsError):
            fill(tmp_path / name)

    assert names_in(tmp_path) == before
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "inside").read_text() == "precious"


def test_what_came_there_meanwhile_is_not_touched_either(tmp_path: Path) -> None:
    with pytest.raises(DestinationExistsError):
        fill_file(tmp_path / "x", other="theirs")
    with pytest.raises(DestinationExistsError):
        fill_folder(tmp_path / "y", other="theirs")

    assert (tmp_path / "x").read_text() == (tmp_path / "y" / "a").read_text() == "theirs"
    assert names_in(tmp_path) == ["x", "y"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()

    with new_folder(tmp_path / "y") as folder:
        (folder / "a").write_text("a")

    assert (tmp_path / "y" / "a").read_text() == "a"


def test_a_place_that_cannot_be_written_is_its_own_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DestinationError, match="cannot write"), new_file(tmp_path / "file" / "x"):
        pytest.fail("the block must not run")


@pytest.mark.parametrize("name", ["chatkeep", "markdown", "openai"])
def test_no_writer_overwrites(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x"
    path.write_text("precious")

    with pytest.raises(DestinationExistsError):
        registry.writer(name).write(everything(), path)
    assert path.read_text() == "precious"


@given(st.text())
def test_a_safe_name_is_one_harmless_path_segment(title: str) -> None:
    name = safe_name(title)

    assert len(name.encode()) <= 121
    assert name not in (".", "..")
    assert name == name.strip(" .")
    assert not set(name) & set('\\/:*?"<>|#^[]\0\n\u202e')
    assert Path("folder", name or "x").parent == Path("folder")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "etcpasswd"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("  a\tb\n c. ", "a b c"),
        ("泡茶的水", "泡茶的水"),
        ("é" * 100, "é" * 60),
        ("...", ""),
    ],
)
def test_safe_names_stay_readable(text: str, name: str) -> None:
    assert safe_name(text) == name


@pytest.mark.parametrize(
    ("name", "parts"), [("a.b.PNG", ("a.b", ".PNG")), ("a", ("a", "")), (".x", (".x", "")), ("a.b c", ("a.b c", ""))]
)
def test_extensions_are_told_from_names(name: str, parts: tuple[str, str]) -> None:
    assert split_extension(name) == parts


def test_names_that_differ_in_case_or_accents_form_are_kept_apart() -> None:
    names = FreeNames()

    found = [names.take(stem, ".md", tell_apart="1") for stem in ("é", "E\u0301", "é", "é")]

    assert found == ["é.md", "E\u0301 1.md", "é 1 2.md", "é 1 3.md"]


def test_hostile_titles_and_names_stay_in_the_folder(tmp_path: Path) -> None:
    destination = tmp_path / "a" / "out"

    written = markdown.write(everything(), destination)

    inside = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert inside == set(written.files)
    assert all(path.is_relative_to(destination) for path in inside)


def test_what_was_written_and_left_out_is_counted(tmp_path: Path) -> None:
    counts = {}
    for name in ("chatkeep", "markdown", "openai"):
        written = registry.writer(name).write(everything(), tmp_path / name)
        counts[name] = (written.conversations, written.messages, written.attachments, written.missing_attachments)
        if name == "chatkeep":
            assert written.left_out == ()
        else:
            assert Skipped(f"conversation {tea().conversation.id}", "1 hidden messages") in written.left_out

    assert counts == {"chatkeep": (5, 21, 2, 1), "markdown": (5, 19, 2, 1), "openai": (4, 14, 0, 0)}


@pytest.mark.parametrize("count", [0, 2])
def test_a_markdown_file_takes_one_conversation(tmp_path: Path, count: int) -> None:
    with pytest.raises(UsageError, match="exactly one"):
        markdown.write(everything()[:count], tmp_path / "x.md")
    assert names_in(tmp_path) == []


def test_many_conversations_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    written = markdown.write([record(f"id-{n:08}", "New chat", []) for n in range(20)], tmp_path / "out")

    assert len({path.name for path in written.files}) == 20


def test_reports_of_what_was_left_out_are_bounded() -> None:
    left_out = LeftOut(limit=2)
    for number in range(5):
        left_out.add(f"c{number}", Counter({"images": 2}))

    assert left_out.found() == (
        Skipped("conversation c0", "2 images"),
        Skipped("conversation c1", "2 images"),
        Skipped("other conversations", "6 images"),
    )
