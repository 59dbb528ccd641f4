from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.errors import InstanceError
from chatkeep.instances import Layout, create, open_private, others_may_read

posix_only = pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")


@pytest.fixture(params=[0o000, 0o022, 0o777])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix_only
@pytest.mark.usefixtures("_umask")
def test_directories_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    layout = create(tmp_path / "a" / "b")

    assert mode(layout.directory) == 0o700
    assert mode(tmp_path / "a") == 0o700


@posix_only
@pytest.mark.usefixtures("_umask")
def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    with open_private(tmp_path / "new") as stream:
        stream.write(b"x")
    with open_private(tmp_path / "log", append=True) as stream:
        stream.write(b"x")

    assert mode(tmp_path / "new") == mode(tmp_path / "log") == 0o600


def test_creating_again_changes_nothing(tmp_path: Path) -> None:
    directory = create(tmp_path / "home").directory
    directory.chmod(0o750)

    assert create(directory) == Layout(directory)
    assert os.name != "posix" or mode(directory) == 0o750


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InstanceError, match="not a directory"):
        create(tmp_path / "file")
    with pytest.raises(InstanceError, match="cannot make"):
        create(tmp_path / "file" / "below")


def test_a_private_file_never_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("keep")

    with pytest.raises(FileExistsError):
        open_private(tmp_path / "there")
    assert (tmp_path / "there").read_text() == "keep"


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are followed here")
def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("keep")
    (tmp_path / "link").symlink_to(tmp_path / "target")

    with pytest.raises(OSError, match="link"):
        open_private(tmp_path / "link", append=True)


@posix_only
def test_what_others_may_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("")

    path.chmod(0o600)
    assert not others_may_read(path)
    path.chmod(0o640)
    assert others_may_read(path)


def test_an_instance_exists_when_its_store_does(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert not layout.exists

    layout.chats_db.touch()
    assert layout.exists


@posix_only
def test_new_directories_survive_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is acknowledged later lies below them; a name is durable once the directory that holds it was synced."""
    synced: list[int] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    create(tmp_path / "a" / "b")

    assert synced == [tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino]
