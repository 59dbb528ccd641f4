from __future__ import annotations

import os
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import get_win_folder_from_env_vars

from chatkeep.errors import InstanceError
from chatkeep.instances import (
    Platform,
    config_directory,
    current_platform,
    data_directory,
    home_directory,
    instance_directory,
)

POSIX_HOME = "/home/ada"
WINDOWS_HOME = r"C:\Users\Ada"


def place(platform: Platform, environ: dict[str, str] | None = None, app_id: str = "chatkeep") -> PurePath:
    home = WINDOWS_HOME if platform == "windows" else POSIX_HOME
    return data_directory(app_id, platform=platform, environ=environ or {}, home=home)


def test_each_platform_has_its_place() -> None:
    assert place("macos") == PurePosixPath("/home/ada/Library/Application Support/chatkeep")
    assert place("windows") == PureWindowsPath(r"C:\Users\Ada\AppData\Roaming\chatkeep")
    assert place("linux") == PurePosixPath("/home/ada/.local/share/chatkeep")


def test_the_environment_moves_the_place() -> None:
    assert place("linux", {"XDG_DATA_HOME": "/data"}) == PurePosixPath("/data/chatkeep")
    assert place("windows", {"APPDATA": r"D:\Roaming"}) == PureWindowsPath(r"D:\Roaming\chatkeep")


@pytest.mark.parametrize("value", ["", "data", "./data", "~/data"])
def test_empty_and_relative_values_mean_the_default(value: str) -> None:
    """The XDG specification says so; a directory relative to wherever one stands would lose chats."""
    assert place("linux", {"XDG_DATA_HOME": value}) == place("linux")
    assert place("windows", {"APPDATA": value}) == place("windows")
    assert config_directory(
        "chatkeep", platform="linux", environ={"XDG_CONFIG_HOME": value}, home=POSIX_HOME
    ) == PurePosixPath("/home/ada/.config/chatkeep")


def test_macos_ignores_the_variables_of_linux() -> None:
    """Apps there do: Chorus writes to Application Support whatever a shell's profile sets."""
    assert place("macos", {"XDG_DATA_HOME": "/data"}) == place("macos")


def test_config_and_data_differ_on_linux_only() -> None:
    def config(platform: Platform, environ: dict[str, str]) -> PurePath:
        return config_directory("sh.chorus.app", platform=platform, environ=environ, home=POSIX_HOME)

    assert config("linux", {}) == PurePosixPath("/home/ada/.config/sh.chorus.app")
    assert config("linux", {"XDG_CONFIG_HOME": "/cfg"}) == PurePosixPath("/cfg/sh.chorus.app")
    assert config("macos", {}) == place("macos", app_id="sh.chorus.app")


@pytest.mark.parametrize("environ", [{}, {"XDG_DATA_HOME": "/data"}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "rel"}])
def test_linux_agrees_with_platformdirs(environ: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    oracle = Unix("chatkeep", appauthor=False, roaming=True).user_data_dir

    ours = data_directory("chatkeep", platform="linux", environ=environ, home=str(home))
    assert ours == PurePosixPath(oracle)


def test_macos_agrees_with_platformdirs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)

    oracle = MacOS("sh.chorus.app", appauthor=False, roaming=True).user_data_dir

    ours = data_directory("sh.chorus.app", platform="macos", environ={}, home=str(home))
    assert ours == PurePosixPath(oracle)


def test_windows_agrees_with_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPDATA", r"C:\Users\Ada\AppData\Roaming")

    oracle = get_win_folder_from_env_vars("CSIDL_APPDATA")

    assert place("windows", dict(os.environ)) == PureWindowsPath(oracle, "chatkeep")
    assert place("windows") == PureWindowsPath(oracle, "chatkeep")


def test_this_platform_agrees_with_platformdirs() -> None:
    assert instance_directory("chatkeep") == platformdirs.user_data_path("chatkeep", appauthor=False, roaming=True)
    assert current_platform() in ("macos", "windows", "linux")


def test_an_unknown_home_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("no")

    monkeypatch.setattr(Path, "home", unknown)

    with pytest.raises(InstanceError, match="--home"):
        home_directory()


@pytest.mark.skipif(os.name != "posix", reason="another variable names it here")
@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_that_is_no_absolute_path_is_refused(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty, it would mean the root of all files; relative, wherever the program runs."""
    monkeypatch.setenv("HOME", home)

    with pytest.raises(InstanceError, match="HOME"):
        home_directory()
