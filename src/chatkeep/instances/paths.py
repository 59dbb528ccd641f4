"""Where each platform keeps a program's data: a pure function of platform, environment and home directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Literal

from chatkeep.errors import InstanceError
from chatkeep.instances.names import checked_app_id

Platform = Literal["macos", "windows", "linux"]


def data_directory(app_id: str, *, platform: Platform, environ: Mapping[str, str], home: str) -> PurePath:
    """The directory of an app's data for one person, e.g. ``~/.local/share/chatkeep``; touches nothing.

    Args:
        app_id: The app's identifier; becomes the last part.
        platform: Whose rules hold. Any system other than macOS and Windows goes by ``linux``.
        environ: ``APPDATA`` and ``XDG_DATA_HOME`` are looked at; empty and relative values count as not set.
        home: The person's home directory, in that platform's spelling.

    Raises:
        InstanceError: ``app_id`` cannot be the name of a directory.
    """
    name = checked_app_id(app_id)
    if platform == "macos":
        return PurePosixPath(home, "Library", "Application Support", name)
    if platform == "windows":
        roaming = _absolute(environ.get("APPDATA"), PureWindowsPath)
        return (roaming or PureWindowsPath(home, "AppData", "Roaming")) / name
    return (_absolute(environ.get("XDG_DATA_HOME"), PurePosixPath) or PurePosixPath(home, ".local", "share")) / name


def config_directory(app_id: str, *, platform: Platform, environ: Mapping[str, str], home: str) -> PurePath:
    """The directory of an app's configuration; differs from the data directory on Linux only.

    Some desktop apps keep their database there. Arguments and errors as for :func:`data_directory`.
    """
    if platform != "linux":
        return data_directory(app_id, platform=platform, environ=environ, home=home)
    name = checked_app_id(app_id)
    return (_absolute(environ.get("XDG_CONFIG_HOME"), PurePosixPath) or PurePosixPath(home, ".config")) / name


def current_platform() -> Platform:
    """The platform of this process."""
    if sys.platform == "darwin":
        return "macos"
    return "windows" if sys.platform == "win32" else "linux"


def instance_directory(app_id: str, *, environ: Mapping[str, str] | None = None) -> Path:
    """Where the instance of an app id lies on this machine, whether it exists or not.

    Raises:
        InstanceError: ``app_id`` cannot be the name of a directory, or no home directory is known.
    """
    environ = os.environ if environ is None else environ
    return Path(data_directory(app_id, platform=current_platform(), environ=environ, home=home_directory()))


def home_directory() -> str:
    """The home directory of whoever runs this process.

    Raises:
        InstanceError: The system does not say.
    """
    try:
        home = Path.home()
    except RuntimeError as error:
        raise InstanceError("no home directory is known: set HOME, or say where with --home DIR") from error
    if not home.is_absolute() or (os.name == "posix" and os.environ.get("HOME") == ""):
        # Empty, it would mean the root of all files.
        raise InstanceError("HOME is no absolute path: set it, or say where with --home DIR")
    return str(home)


def _absolute(value: str | None, flavour: type[PurePath]) -> PurePath | None:
    # The XDG specification: relative paths are invalid and to be ignored.
    path = flavour(value) if value else None
    return path if path is not None and path.is_absolute() else None
