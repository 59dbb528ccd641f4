"""Keeps the suite off the network: only loopback addresses and local sockets can be reached.

It patches Python's sockets, so C libraries with sockets of their own pass it by; those are given loopback addresses
by their fixtures.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest


class NetworkBlockedError(RuntimeError):
    """A test tried to reach something that is not on this machine.

    Not an ``OSError``: code under test that handles a failed connection must not hide it.
    """

    def __init__(self, call: str, target: object) -> None:
        super().__init__(f"{call} to {target!r}: tests reach only loopback; use a local server or a recorded sample")
        self.target = target


def is_local(host: object) -> bool:
    """Whether a host, as socket calls take it, is this machine; names other than ``localhost`` are not looked up."""
    if host is None or host in ("", b""):
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check(call: str, sock: socket.socket, address: object) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        if not (isinstance(address, tuple) and is_local(address[0])):
            raise NetworkBlockedError(call, address)
    elif sock.family != getattr(socket, "AF_UNIX", None):
        raise NetworkBlockedError(call, address)


def _guard_method(patch: pytest.MonkeyPatch, name: str, address_at: int) -> None:
    # `address_at` counts from the end: sendto takes its flags before the address or not at all.
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, *args: Any) -> Any:
        if args:
            _check(name, self, args[address_at])
        return original(self, *args)

    patch.setattr(socket.socket, name, guarded)


def _guard_lookup(patch: pytest.MonkeyPatch, name: str) -> None:
    original = getattr(socket, name)

    def guarded(host: Any, *args: Any, **options: Any) -> Any:
        if not is_local(host):
            raise NetworkBlockedError(name, host)
        return original(host, *args, **options)

    patch.setattr(socket, name, guarded)


def install(patch: pytest.MonkeyPatch) -> None:
    """Block everything but loopback until ``patch`` is undone."""
    _guard_method(patch, "connect", 0)
    _guard_method(patch, "connect_ex", 0)
    _guard_method(patch, "sendto", -1)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        _guard_lookup(patch, name)
