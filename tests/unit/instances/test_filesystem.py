"""Network file systems are told from what Linux says about its mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatkeep.instances.filesystem import Mount, find_mount, network_reason

MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /proc rw,nosuid - proc proc rw
41 22 0:44 / /home rw,relatime shared:20 master:3 - nfs4 server:/home rw,vers=4.2
42 41 8:2 / /home/ann/disk rw - xfs /dev/sdb1 rw
43 22 0:50 / /media/My\040Share rw - cifs //nas/share rw
44 22 0:51 / /mnt/far rw - fuse.sshfs ann@far:/srv rw
45 22 0:52 / /mnt/near rw - fuse.ntfs-3g /dev/sdc1 rw
46 22 0:53 / /mnt/c rw - 9p C: rw
47 22 0:54 / /over rw - nfs one:/ rw
48 22 8:3 / /over rw - btrfs /dev/sdd1 rw
49 22 0:55 / /mnt/plain rw - fuse sshfs#far: rw
a line that is not one
50 22 0:56 / /short rw -
"""


@pytest.mark.parametrize(
    ("path", "kind", "is_network"),
    [
        ("/", "ext4", False),
        ("/var/lib/chats", "ext4", False),
        ("/home/ann/chats", "nfs4", True),
        ("/homely", "ext4", False),
        ("/home/ann/disk/chats", "xfs", False),
        ("/media/My Share/chats", "cifs", True),
        ("/mnt/far", "fuse.sshfs", True),
        ("/mnt/near/x", "fuse.ntfs-3g", False),
        ("/mnt/c/Users", "9p", True),
        ("/over/x", "btrfs", False),
        ("/mnt/plain/x", "fuse", True),
    ],
)
def test_the_mount_that_holds_a_path_is_found(path: str, kind: str, is_network: bool) -> None:
    mount = find_mount(path, MOUNTINFO)

    assert mount is not None
    assert (mount.type, mount.is_network) == (kind, is_network)


def test_no_mounts_no_answer() -> None:
    assert find_mount("/home", "") is None


def test_a_memory_file_system_is_local() -> None:
    assert not Mount("/tmp", "tmpfs", "tmpfs").is_network


def test_a_directory_of_this_machine_is_local_even_before_it_is_made(tmp_path: Path) -> None:
    assert network_reason(tmp_path / "not" / "made" / "yet") is None
