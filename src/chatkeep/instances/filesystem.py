"""Whether a directory lies on a network file system, where SQLite's locks and shared memory cannot be trusted."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NETWORK_TYPES: Final = frozenset(
    {
        "9p",  # also Windows' drives as Linux sees them inside WSL
        "acfs",
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "pvfs2",
        "smb2",
        "smb3",
        "smbfs",
        "webdav",
    }
)
"""Types whose files other machines can change at the same time."""

_NETWORK_FUSE: Final = frozenset(
    {
        "ceph",
        "ceph-fuse",
        "curlftpfs",
        "davfs2",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "google-drive-ocamlfuse",
        "gvfsd-fuse",
        "juicefs",
        "mount-s3",
        "onedriver",
        "rclone",
        "s3fs",
        "seaweedfs",
        "smbnetfs",
        "sshfs",
    }
)

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """What a directory lies on."""

    point: str
    type: str
    source: str

    @property
    def is_network(self) -> bool:
        """Whether other machines may use the same files."""
        if self.type in NETWORK_TYPES:
            return True
        # "fuse.sshfs" names its program; plain "fuse" has it in the source, as "sshfs#host:" or "host:dir".
        kind, _, program = self.type.partition(".")
        if kind not in ("fuse", "fuseblk"):
            return False
        return (program or self.source.partition("#")[0]) in _NETWORK_FUSE


def find_mount(path: str, mountinfo: str) -> Mount | None:
    """The mount that holds an absolute path without links, from the text of ``/proc/self/mountinfo``."""
    best: Mount | None = None
    for line in mountinfo.splitlines():
        # "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw": any number of fields before the dash.
        fields = line.split(" ")
        if "-" not in fields[6:]:
            continue
        dash = fields.index("-", 6)
        if len(fields) < dash + 3:
            continue
        point = _unescape(fields[4])
        # Of two at one point the later covers the earlier.
        if _holds(point, path) and (best is None or len(point) >= len(best.point)):
            best = Mount(point, fields[dash + 1], _unescape(fields[dash + 2]))
    return best


def network_reason(directory: Path) -> str | None:
    """Why the directory is taken for one on a network, in words; None if it is local, or nobody can tell.

    Args:
        directory: May be missing; then its nearest existing parent counts.
    """
    place = directory.resolve()
    while not _is_there(place) and place != place.parent:
        place = place.parent
    if sys.platform == "win32":
        return _windows_reason(place)
    if sys.platform == "darwin":
        return _macos_reason(place)
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    mount = find_mount(str(place), mountinfo)
    if mount is None or not mount.is_network:
        return None
    return f"{mount.point} is a {mount.type} file system"


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # in a directory that we may not search, or with too long a name
        return False


def _holds(point: str, path: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _unescape(field: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), field)


if sys.platform == "darwin":  # pragma: no cover  # cannot be run where this is developed

    def _macos_reason(place: Path) -> str | None:
        import ctypes

        # struct statfs with 64-bit inodes: f_flags at byte 64, f_fstypename (16 bytes) at 72.
        buffer = ctypes.create_string_buffer(4_096)
        if ctypes.CDLL(None, use_errno=True).statfs(os.fsencode(place), buffer) != 0:
            return None
        is_local = int.from_bytes(buffer.raw[64:68], "little") & 0x1000
        kind = buffer.raw[72:88].split(b"\0")[0].decode("ascii", "replace")
        return None if is_local else f"{place} is on a {kind or 'network'} file system"


if sys.platform == "win32":  # pragma: no cover  # cannot be run where this is developed

    def _windows_reason(place: Path) -> str | None:
        import ctypes

        remote = 4
        if str(place).startswith("\\\\"):
            return f"{place.anchor} is a network share"
        kind = ctypes.windll.kernel32.GetDriveTypeW(place.anchor)
        return f"{place.anchor} is a network drive" if kind == remote else None
