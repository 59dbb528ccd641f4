"""``flock`` for Windows, from ``LockFileEx``: the same calls, less fairness.

It has never been run by its authors, who develop on Linux. What differs: waiting is a blocking call that signals do not
interrupt, a shared lock cannot be turned into an exclusive one, and Windows promises no order among those who wait.
"""

from __future__ import annotations

import sys
from typing import Final

LOCK_SH: Final = 1
LOCK_EX: Final = 2
LOCK_NB: Final = 4
LOCK_UN: Final = 8

if sys.platform == "win32":  # pragma: no cover  # see above
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _FAIL_IMMEDIATELY: Final = 1
    _EXCLUSIVE_LOCK: Final = 2
    _ERROR_LOCK_VIOLATION: Final = 33
    _ERROR_NOT_LOCKED: Final = 158

    class _Overlapped(ctypes.Structure):
        _fields_ = (
            ("Internal", ctypes.c_void_p),
            ("InternalHigh", ctypes.c_void_p),
            ("Offset", wintypes.DWORD),
            ("OffsetHigh", wintypes.DWORD),
            ("hEvent", wintypes.HANDLE),
        )

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _lock = _kernel.LockFileEx
    _lock.argtypes = (wintypes.HANDLE, *[wintypes.DWORD] * 4, ctypes.POINTER(_Overlapped))
    _unlock = _kernel.UnlockFileEx
    _unlock.argtypes = (wintypes.HANDLE, *[wintypes.DWORD] * 3, ctypes.POINTER(_Overlapped))

    def flock(descriptor: int, operation: int) -> None:
        """Lock or unlock the first byte of the file, as ``fcntl.flock`` does with the whole of it.

        Raises:
            BlockingIOError: Somebody else has it, and ``LOCK_NB`` was given.
        """
        handle = msvcrt.get_osfhandle(descriptor)
        if operation & LOCK_UN:
            if not _unlock(handle, 0, 1, 0, ctypes.byref(_Overlapped())):
                _raise_unless(_ERROR_NOT_LOCKED)
            return
        flags = (_EXCLUSIVE_LOCK if operation & LOCK_EX else 0) | (_FAIL_IMMEDIATELY if operation & LOCK_NB else 0)
        if not _lock(handle, flags, 0, 1, 0, ctypes.byref(_Overlapped())):
            _raise_unless(0)

    def _raise_unless(harmless: int) -> None:
        code = ctypes.get_last_error()
        if code == harmless:
            return
        if code == _ERROR_LOCK_VIOLATION:
            raise BlockingIOError(code, "the file is locked")
        raise ctypes.WinError(code)
