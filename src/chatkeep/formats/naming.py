"""Names for files, made of titles that anybody may have chosen."""

from __future__ import annotations

import re
import unicodedata

_MAX_BYTES = 120
# Not allowed on some platform, or meaningful in a link of a note-taking program.
_FORBIDDEN = re.compile(r'[\\/:*?"<>|#^\[\]]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}")


def safe_name(text: str, *, max_bytes: int = _MAX_BYTES) -> str:
    """``text`` as one path segment on every platform, perhaps empty; never ``.`` or ``..``, never hidden."""
    # Control, format (text direction), private and unassigned characters; line ends become spaces.
    spaced = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    kept = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    name = cut(_FORBIDDEN.sub("", kept).strip(" ."), max_bytes).rstrip(" .")
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def cut(text: str, max_bytes: int) -> str:
    """The beginning of a text, at most so many bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")


def split_extension(name: str) -> tuple[str, str]:
    """A safe name in two: stem, and an extension with its dot, empty if there is none worth keeping."""
    stem, dot, tail = name.rpartition(".")
    return (stem, f".{tail}") if stem and _EXTENSION.fullmatch(dot + tail) else (name, "")


class FreeNames:
    """Gives every file of a folder a name of its own, also where letter case does not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, stem: str, extension: str, *, tell_apart: str) -> str:
        """``stem + extension``; if that is taken, with ``tell_apart`` added, and a number if that is taken too."""
        for attempt in range(1_000_000):
            addition = "" if attempt == 0 else f" {tell_apart}" if attempt == 1 else f" {tell_apart} {attempt}"
            name = f"{stem}{addition}{extension}"
            key = unicodedata.normalize("NFD", name).casefold()
            if key not in self._taken:
                self._taken.add(key)
                return name
        raise AssertionError("a million names alike")
