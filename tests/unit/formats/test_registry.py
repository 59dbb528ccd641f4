"""Finding the one format of a source."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from chatkeep.errors import AmbiguousFormatError, NotWritableFormatError, UnknownFormatError
from chatkeep.formats import registry
from chatkeep.formats.protocol import FormatAdapter
from chatkeep.formats.sources import probe


def test_names_are_unique_and_found() -> None:
    for module in registry.BUILTIN:
        assert registry.adapter(module.name) is module
    for made in registry.WRITERS:
        assert registry.writer(made.name) is made
    assert len({module.name for module in registry.BUILTIN}) == len(registry.BUILTIN)
    assert len({module.name for module in registry.WRITERS}) == len(registry.WRITERS)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UnknownFormatError, match="chatkeep"):
        registry.adapter("nonesuch")
    with pytest.raises(UnknownFormatError, match="markdown"):
        registry.writer("nonesuch")


def test_a_format_that_is_only_read_says_so() -> None:
    written = {module.name for module in registry.WRITERS}
    for module in registry.BUILTIN:
        if module.name not in written:
            with pytest.raises(NotWritableFormatError, match=module.name):
                registry.writer(module.name)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"", "an empty file"),
        (b"hello", "a text file"),
        (b'{"x":1}', "a JSON file"),
        (b"<html>", "an HTML or XML file"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\xff\xfea\0", "a UTF-16 file"),
        (b"a\0b", "a binary file"),
    ],
)
def test_what_nobody_knows_is_described(tmp_path: Path, content: bytes, seen: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)

    with pytest.raises(UnknownFormatError, match=seen):
        registry.recognise(probe(path))


def test_a_zip_or_folder_nobody_knows_is_described_by_its_names(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.jpg", b"")
    (tmp_path / "empty").mkdir()

    with pytest.raises(UnknownFormatError, match=r"holiday\.jpg"):
        registry.recognise(probe(path))
    with pytest.raises(UnknownFormatError, match="an empty directory"):
        registry.recognise(probe(tmp_path / "empty"))


def test_two_claims_are_an_error_that_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"chatkeep":1}\n')
    own = registry.adapter("chatkeep")
    twice: tuple[FormatAdapter, ...] = (own, own)
    monkeypatch.setattr(registry, "BUILTIN", twice)

    with pytest.raises(AmbiguousFormatError) as caught:
        registry.recognise(probe(path))
    assert caught.value.names == ("chatkeep", "chatkeep")
