"""Addresses on which `oidc-gate serve` cannot listen: one line that says what to write, on both servers."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from oidc_gate.cli import main
from oidc_gate.cli.address import bound_sockets, check_address
from oidc_gate.cli.application import listen
from oidc_gate.cli.common import CommandError

from .conftest import Opened

SERVERS = ["uvicorn", "granian"]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("999.1.1.1", "--host 999.1.1.1: .*; write 127.0.0.1, or 0.0.0.0"),
        ("nowhere.invalid", "--host nowhere.invalid: .*; write 127.0.0.1"),
        ("192.0.2.1", "--host 192.0.2.1: this machine does not have that address; write 127.0.0.1"),
        ("a" * 64 + ".example", "; write 127.0.0.1"),
    ],
)
def test_hosts(server: str, host: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        check_address(host, 4180, None, server)


@pytest.mark.parametrize("server", SERVERS)
def test_a_port_in_use(server: str) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            CommandError, match=f"--port {port}: another process listens there; end it, or choose"
        ):
            check_address("127.0.0.1", port, None, server)


def test_processes_of_granian_share_a_port() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        check_address("127.0.0.1", other.getsockname()[1], None, "granian")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EACCES, "--port 80: .*; choose a higher port, such as 4180"),
        (errno.EPERM, "cannot listen on 127.0.0.1, port 80"),
    ],
)
def test_a_port_that_this_user_may_not_take(
    number: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: socket.socket, address: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refused)
    with pytest.raises(CommandError, match=message):
        check_address("127.0.0.1", 80, None, "uvicorn")


def test_sockets(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"there is no directory .*/nowhere; create it first"):
        check_address("127.0.0.1", 1, str(tmp_path / "nowhere/x.sock"), "uvicorn")
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="a file and not a socket; choose another path"):
        check_address("127.0.0.1", 1, str(tmp_path / "file"), "granian")
    check_address("nowhere.invalid", 0, str(tmp_path / "x.sock"), "granian")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "x.sock"))
    check_address("127.0.0.1", 1, str(tmp_path / "x.sock"), "uvicorn")  # left by a process that has ended


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "::"])
def test_addresses_that_can_be_listened_on(host: str) -> None:
    if ":" in host and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with listen(0) as free:
        port = free.getsockname()[1]
    try:
        check_address(host, port, None, "uvicorn")
    except CommandError as error:
        assert ":" in host and "does not have that address" in str(error), error  # noqa: PT017, PT018


@pytest.mark.parametrize("server", SERVERS)
def test_the_command_says_so_and_ends_with_2(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--server", server, "--host", "192.0.2.1"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("oidc-gate: --host 192.0.2.1: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("shares", [False, True])
def test_how_the_sockets_are_bound(shares: bool) -> None:
    (listener,) = bound_sockets("127.0.0.1", 0, shares=shares)
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.type == socket.SOCK_STREAM
        assert bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
        assert bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)) is shares
    assert listener.fileno() == -1


def test_each_address_of_a_name_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    one = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
    two = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 0))
    asked: list[object] = []

    def found(*given: object, **keywords: object) -> list[object]:
        asked.append((given, keywords))
        return [one, two]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    listeners = bound_sockets("app", 0)
    assert [each.getsockname()[0] for each in listeners] == ["127.0.0.1", "127.0.0.2"]
    assert asked == [(("app", 0), {"type": socket.SOCK_STREAM, "flags": socket.AI_PASSIVE})]
    for each in listeners:
        each.close()


def test_an_ipv6_socket_leaves_ipv4_to_others() -> None:
    try:
        (listener,) = bound_sockets("::1", 0)
    except CommandError:
        pytest.skip("no IPv6 here")
    with listener:
        assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_no_socket_stays_open_if_one_cannot_be_bound(
    watch_sockets: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        hosts = ("127.0.0.2", "127.0.0.1")
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **keywords: addresses)
        opened = watch_sockets()
        with pytest.raises(CommandError, match="another process listens there"):
            check_address("app", port, None, "uvicorn")
    assert [each.fileno() for each in opened] == [-1, -1]


def test_the_check_of_an_address_leaves_no_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    (bound,) = bound_sockets("127.0.0.1", 0)
    monkeypatch.setattr("oidc_gate.cli.address.bound_sockets", lambda *given, **keywords: [bound])
    check_address("127.0.0.1", 0, None, "uvicorn")
    assert bound.fileno() == -1


@pytest.mark.parametrize(
    ("server", "message"), [("granian", "granian needs an IP address"), ("uvicorn", None)]
)
def test_granian_needs_an_ip_address(server: str, message: str | None) -> None:
    if message is None:
        check_address("localhost", 0, None, server)
    else:
        with pytest.raises(CommandError, match=f"--host localhost: {message}; write 127.0.0.1"):
            check_address("localhost", 0, None, server)
