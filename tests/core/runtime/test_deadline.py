"""How the time of an exchange is divided among the addresses of a name, and when a connection is used again."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from oidc_gate.runtime import deadline as module
from oidc_gate.runtime.deadline import MAX_IDLE_SECONDS, deadline, is_over, left

from .conftest import Clock

NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Sockets:
    """Sockets that refuse connections, except to the last address, and keep what they were asked for."""

    SOCK_STREAM, gaierror, EAI_NONAME = socket.SOCK_STREAM, socket.gaierror, socket.EAI_NONAME

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.asked: list[tuple[Any, ...]] = []

    def getaddrinfo(self, host: str, port: int, **more: Any) -> list[Any]:
        self.asked.append((host, port, more))
        return [(2, 1, 6, "", (address, port)) for address in self.addresses]

    def socket(self, *kind: int) -> Sockets:
        self.asked.append(kind)
        return self

    def setsockopt(self, *option: int) -> None:
        self.asked.append(option)

    def settimeout(self, seconds: float) -> None:
        self.asked.append(("timeout", seconds))

    def connect(self, address: tuple[str, int]) -> None:
        self.asked.append(address)
        if address[0] != self.addresses[-1]:
            raise ConnectionRefusedError

    def close(self) -> None:
        self.asked.append(("closed",))


def test_each_address_gets_its_share_of_the_time_that_is_left(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = Sockets(["a", "b", "c"])
    monkeypatch.setattr(module, "socket", sockets)
    with deadline(6.0):
        connected: object = module._connect("[op.example]", 443, [NODELAY])
    assert connected is sockets
    kind, closed = (2, 1, 6), ("closed",)
    assert sockets.asked == [
        ("op.example", 443, {"type": socket.SOCK_STREAM}),
        *(kind, NODELAY, ("timeout", 2.0), ("a", 443), closed),
        *(kind, NODELAY, ("timeout", 3.0), ("b", 443), closed),
        *(kind, NODELAY, ("timeout", 6.0), ("c", 443), ("timeout", 6.0)),
    ]


@pytest.mark.parametrize("addresses", [[], ["a"] * 6 + ["b"]])
def test_a_name_of_which_no_address_answers(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    sockets = Sockets(addresses)
    monkeypatch.setattr(module, "socket", sockets)
    with deadline(6.0), pytest.raises(OSError, match=r"no address|^$"):
        module._connect("op.example", 443, None)
    assert sockets.asked.count(("a", 443)) == len(addresses[:6])
    assert ("b", 443) not in sockets.asked


@pytest.mark.parametrize(("seconds", "is_left"), [(0.0, True), (5.75, True), (6.0, False), (7.0, False)])
def test_the_time_of_an_exchange(clock: Clock, seconds: float, *, is_left: bool) -> None:
    with deadline(6.0):
        clock.now += seconds
        assert is_over() is not is_left
        if is_left:
            assert left() == 6.0 - seconds
        else:
            with pytest.raises(TimeoutError):
                left()
    assert is_over(), "outside of an exchange there is no time"


def test_a_deadline_ends_with_its_block_in_each_thread(clock: Clock) -> None:
    found: list[bool] = []
    with deadline(6.0):
        with deadline(1.0):
            assert left() == 1.0
        assert left() == 6.0
        thread = threading.Thread(target=lambda: found.append(is_over()))
        thread.start()
        thread.join()
    assert found == [True]


@pytest.mark.parametrize(("seconds", "is_used"), [(0.0, True), (19.75, True), (20.0, False), (21.0, False)])
def test_a_connection_is_used_again_within_twenty_seconds(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, seconds: float, *, is_used: bool
) -> None:
    monkeypatch.setattr(HTTPConnection, "is_connected", property(lambda self: True))
    connection = module._PlainConnection("op.example")
    assert connection.is_connected is False, "it was never used"
    connection._used_at = clock.now
    clock.now += seconds
    assert (connection.is_connected, MAX_IDLE_SECONDS) == (is_used, 20.0)
