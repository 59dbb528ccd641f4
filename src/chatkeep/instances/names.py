"""App ids: the names of instance directories."""

from __future__ import annotations

import re

from chatkeep.errors import InstanceError

APP_ID = "chatkeep"
"""Our own production instance."""

_OUTSIDE_DEV_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_APP_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]*")
_MAX_LENGTH = 200
# Windows takes these for devices, whatever follows a dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def checked_app_id(app_id: str) -> str:
    """``app_id`` if it can name a directory on every platform.

    Raises:
        InstanceError: Empty, too long, a path, hidden, or a name that Windows keeps for itself.
    """
    if not _APP_ID.fullmatch(app_id) or len(app_id) > _MAX_LENGTH or app_id[-1] in ". ":
        raise InstanceError(
            f"{app_id[:80]!r} cannot be an app id: use letters, digits, dots, dashes and underscores,"
            " or give a path with pathlib.Path"
        )
    if app_id.partition(".")[0].lower() in _DEVICES:
        raise InstanceError(f"{app_id[:80]!r} cannot be an app id: Windows keeps that name for a device")
    return app_id


def cleaned_name(name: str) -> str:
    """A development instance's name with every character outside ``[a-zA-Z0-9_-]`` replaced by ``_``."""
    return _OUTSIDE_DEV_NAME.sub("_", name)


def qa_channel(app_id: str) -> str:
    """The app id of an app's test channel."""
    return f"{app_id}.qa"


def development(app_id: str, name: str | None = None) -> str:
    """The app id of a development instance: the default one, or the named one.

    Raises:
        InstanceError: ``name`` is empty.
    """
    if name is None:
        return f"{app_id}.dev"
    if not name:
        raise InstanceError("a development instance's name cannot be empty")
    return f"{app_id}.dev.{cleaned_name(name)}"
