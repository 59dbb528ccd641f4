"""Advisory file locks between processes, and what becomes of their descriptors in a forked child.

A lock belongs to the open file description: two descriptors of one process exclude each other like two processes,
and a descriptor inherited over ``fork`` keeps the parent's lock alive for as long as the child has it open. So each
one is close-on-exec, and a forked child closes all that it inherited, without unlocking.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    from chatkeep.store.sqlite.windows_locks import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock
else:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock

__all__ = ["EXCLUSIVE", "SHARED", "TRY_EXCLUSIVE", "TRY_SHARED", "UNLOCK", "close_lock_file", "flock", "open_lock_file"]

EXCLUSIVE = LOCK_EX
SHARED = LOCK_SH
UNLOCK = LOCK_UN
TRY_EXCLUSIVE = LOCK_EX | LOCK_NB
TRY_SHARED = LOCK_SH | LOCK_NB

_open_descriptors: set[int] = set()


def open_lock_file(path: Path, *, create: bool = True) -> int:
    """A descriptor that ``flock`` takes; the file stays empty and is never removed, so that all lock the same one.

    Args:
        create: False opens an existing file for reading only, which suffices to lock it.
    """
    flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
    descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0), 0o600)
    _open_descriptors.add(descriptor)
    return descriptor


def close_lock_file(descriptor: int) -> None:
    """Close what `open_lock_file` opened, and let go of its lock; harmless in a forked child, where it is closed."""
    if descriptor in _open_descriptors:
        _open_descriptors.discard(descriptor)
        os.close(descriptor)


def _close_inherited() -> None:
    for descriptor in _open_descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _open_descriptors.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_inherited)
