"""What the surroundings say: environment variables and an env file, read once, at the edge.

``docs/cli.md`` lists every name. Nothing below a face reads ``os.environ``: it is handed values from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import msgspec

from chatkeep.errors import SettingsError

LogLevel = Literal["debug", "info", "warning", "error", "critical", "off"]

_LEVELS: tuple[str, ...] = get_args(LogLevel)
_LEVEL_ALIASES = {"warn": "warning", "fatal": "critical", "none": "off"}
_MAX_ENV_FILE_BYTES = 1 << 20
_ENV_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set from outside, checked.

    ``home`` is the instance directory itself, None for the platform's usual place. ``log_dir`` None means the
    instance's own ``logs/``. ``color`` False asks for plain text whatever the terminal can do.
    """

    home: Path | None = None
    log_level: LogLevel = "warning"
    log_dir: Path | None = None
    color: bool = True


def load(environ: Mapping[str, str], *, env_file: Path | None = None) -> Settings:
    """The settings of a process.

    Args:
        environ: Usually ``os.environ``. A variable that is empty counts as not set.
        env_file: A ``.env.local`` to read below the environment; one that is not there is no error. Only names that
            are settings are taken from it.

    Raises:
        SettingsError: A value cannot be used, or the env file cannot be read; names the variable and where it stands.
    """
    found = {} if env_file is None else {name: (value, str(env_file)) for name, value in _file_values(env_file).items()}
    found |= {name: (environ[name], "the environment") for name in _READERS if environ.get(name)}
    values: dict[str, object] = {}
    for name, (value, place) in found.items():
        field, read = _READERS[name]
        try:
            values[field] = read(value)
        except ValueError as error:
            raise SettingsError(f"{name} in {place}: {error}") from error
    return msgspec.convert(values, Settings)


def _directory(value: str) -> Path:
    if "\0" in value:
        raise ValueError("a path cannot hold a NUL character")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"no home directory is known for {value[:80]!r}") from error


def _level(value: str) -> str:
    level = value.strip().lower()
    level = _LEVEL_ALIASES.get(level, level)
    if level not in _LEVELS:
        raise ValueError(f"{value[:40]!r} is not a log level: use one of {', '.join(_LEVELS)}")
    return level


def _no_color(_value: str) -> bool:
    # https://no-color.org: any value that is not empty.
    return False


_READERS = {
    "CHATKEEP_HOME": ("home", _directory),
    "LOG_LEVEL": ("log_level", _level),
    "LOG_DIR": ("log_dir", _directory),
    "NO_COLOR": ("color", _no_color),
}

NAMES: tuple[str, ...] = tuple(_READERS)
"""Every environment variable that is read."""


def _file_values(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > _MAX_ENV_FILE_BYTES:
            raise SettingsError(f"{path} is larger than any env file: over {_MAX_ENV_FILE_BYTES} bytes")
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as an env file: {type(error).__name__}") from error
    values = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _ENV_LINE.fullmatch(line)
        if match is None:
            # The line itself may hold a secret of another program: only its number is told.
            raise SettingsError(f"{path} line {number} is not NAME=value")
        if match["name"] in _READERS and (value := _unquoted(match["value"])):
            values[match["name"]] = value
    return values


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()
