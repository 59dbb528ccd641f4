"""Names who holds a lock by asking the kernel, so that holding one costs nothing more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_WAL_WRITE_LOCK: Final = "120"
"""The byte of the ``-shm`` file that SQLite locks while it writes."""


def describe_holder(path: Path) -> str | None:
    """Who has a lock file locked: ``process 4242 (python3)``; None if nobody has, or the kernel does not tell."""
    return _describe(_holders(path, kind="FLOCK", byte=None))


def describe_locker(database: Path) -> str | None:
    """Who has the database locked for writing inside SQLite, in the same words."""
    found = _holders(database.with_name(database.name + "-shm"), kind="POSIX", byte=_WAL_WRITE_LOCK)
    return _describe(tuple(pid for pid in found if pid != os.getpid()))


def _holders(path: Path, *, kind: str, byte: str | None) -> tuple[int, ...]:
    try:
        about = path.stat()
        listing = Path("/proc/locks").read_text("ascii", "replace")
    except OSError:
        return ()  # not Linux, or no such file
    # "1: FLOCK  ADVISORY  WRITE 4242 fe:00:131 0 EOF"; a line of somebody who only waits has "->" after its number.
    place = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    found = set()
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) < 8 or fields[1] != kind or fields[5] != place or not fields[4].isdigit():
            continue
        if byte is None or fields[6] == byte:
            found.add(int(fields[4]))
    return tuple(sorted(found))


def _describe(pids: tuple[int, ...]) -> str | None:
    if not pids:
        return None
    # Somebody else is the better answer to "who keeps me waiting?".
    pid = next((pid for pid in pids if pid != os.getpid()), pids[0])
    if pid == os.getpid():
        return f"another thread of this process ({pid})"
    try:
        name = Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        name = "already gone"
    return f"process {pid} ({name})"
