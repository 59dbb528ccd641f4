"""The suite itself: no test reaches the network, or the files of whoever runs it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.network_guard import NetworkBlockedError, is_local

# Addresses of TEST-NET-1 and of the documentation prefix belong to nobody.
ELSEWHERE = [("192.0.2.1", 9), ("example.invalid", 80)]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_connecting_elsewhere_is_blocked(address: tuple[str, int]) -> None:
    with socket.socket() as sock, pytest.raises(NetworkBlockedError, match="only loopback"):
        sock.connect(address)
    with socket.socket() as sock, pytest.raises(NetworkBlockedError):
        sock.connect_ex(address)
    with pytest.raises(NetworkBlockedError):
        socket.create_connection(address)


def test_sending_a_datagram_elsewhere_is_blocked() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with pytest.raises(NetworkBlockedError):
            sock.sendto(b"x", ("192.0.2.1", 9))
        with pytest.raises(NetworkBlockedError):
            sock.sendto(b"x", 0, ("192.0.2.1", 9))


@pytest.mark.parametrize("lookup", ["getaddrinfo", "gethostbyname", "gethostbyname_ex"])
def test_looking_up_a_name_is_blocked(lookup: str) -> None:
    arguments = ("example.invalid", 80) if lookup == "getaddrinfo" else ("example.invalid",)
    with pytest.raises(NetworkBlockedError):
        getattr(socket, lookup)(*arguments)


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port)) as client, server.accept()[0] as peer:
            client.sendall(b"hello")

            assert peer.recv(5) == b"hello"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no local sockets")
def test_local_sockets_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A socket's path is at most about 100 bytes, and a temporary folder's may be longer.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("s")
        server.listen()

        client.connect("s")


def test_what_counts_as_local() -> None:
    assert all(map(is_local, ["localhost", b"127.0.0.1", "127.1.2.3", "::1", "", None]))
    assert not any(map(is_local, ["0.0.0.0", "10.0.0.1", "fe80::1%eth0", "localhost.example", "example.invalid"]))


def test_the_home_directory_is_a_temporary_one(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert Path.home() == home
    assert Path(os.environ["XDG_DATA_HOME"]).is_relative_to(home)
    assert Path(os.environ["APPDATA"]).is_relative_to(home)
    assert home.is_relative_to(tmp_path_factory.getbasetemp())
    assert list(home.iterdir()) == []
