"""Connections with a deadline, without sockets: names, failures, and the time that each step is given."""

from __future__ import annotations

import socket
import threading
from http.client import InvalidURL
from typing import Any

import pytest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from oidc_gate.runtime import deadline as module
from oidc_gate.runtime.deadline import DeadlineAdapter, deadline, left

from .conftest import Clock


def resolving(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    def getaddrinfo(host: str, port: int, **more: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_after_its_time_an_exchange_says_so(clock: Clock) -> None:
    with deadline(0), pytest.raises(TimeoutError, match=r"^the time for the whole exchange is over$"):
        left()


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (socket.gaierror(-2, "not known"), socket.gaierror(-2, "not known")),
        (OSError(24, "too many open files"), OSError(24, "too many open files")),
        (UnicodeError("label too long"), socket.gaierror(socket.EAI_NONAME, "not a name")),
    ],
)
def test_a_name_that_does_not_resolve(
    outcome: Exception, expected: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, outcome)
    with deadline(60), pytest.raises(OSError, match=str(expected.args[1])) as caught:
        module._addresses("op.example", 443)
    assert (type(caught.value), caught.value.args) == (type(expected), expected.args)


def test_a_name_with_addresses_and_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ("a", "b"))
    with deadline(60):
        assert module._addresses("op.example", 443) == ["a", "b"]
        resolving(monkeypatch, ())
        assert module._addresses("op.example", 443) == []
        with pytest.raises(OSError, match=r"^the name has no address$"):
            module._connect("op.example", 443, None)


def test_a_resolver_that_does_not_answer_keeps_no_process_alive(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []

    class Thread:
        def __init__(self, **given: Any) -> None:
            assert callable(given.pop("target"))
            done.append(given)

        def start(self) -> None:
            done.append("started")

        def join(self, seconds: float) -> None:
            done.append(seconds)

    monkeypatch.setattr(threading, "Thread", Thread)
    with deadline(7), pytest.raises(TimeoutError, match=r"^the name was not resolved in time$"):
        module._addresses("op.example", 443)
    assert done == [{"name": "oidc_gate-resolver", "daemon": True}, "started", 7.0]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (socket.gaierror(-2, "not known"), NameResolutionError, "Failed to resolve 'op.example'"),
        (TimeoutError("slow"), ConnectTimeoutError, "no connection in time"),
        (ConnectionRefusedError(111, "refused"), NewConnectionError, "no connection"),
    ],
)
def test_each_failure_to_connect_is_an_error_of_urllib3_with_its_cause(
    error: Exception, kind: type[Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*given: object) -> None:
        raise error

    monkeypatch.setattr(module, "_connect", connect)
    with pytest.raises(kind, match=text) as caught:
        module._PlainConnection("op.example")._new_conn()
    assert (type(caught.value), caught.value.__cause__) == (kind, error)
    assert not str(caught.value).endswith("in time") or kind is ConnectTimeoutError


def test_a_connection_is_made_to_the_host_and_port_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_connect", lambda *given: given)
    connection = module._PlainConnection("op.example.", 8080, socket_options=[(6, 1, 1)])
    found: object = connection._new_conn()
    assert found == ("op.example.", 8080, [(6, 1, 1)]), "a dot at the end is part of the name"


class Socket:
    """A socket that keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def settimeout(self, seconds: float) -> None:
        self.asked.append(seconds)

    def sendall(self, data: bytes) -> None:
        self.asked.append(data)

    def makefile(self, mode: str, buffering: int = -1) -> Socket:
        self.asked.append((mode, buffering))
        return self

    def readinto(self, buffer: Any) -> int:
        self.asked.append("read")
        buffer[:2] = b"ab"
        return 2

    def close(self) -> None:
        self.asked.append("closed")


def test_head_and_body_are_sent_together_within_the_time_that_is_left(clock: Clock) -> None:
    connection, sock = module._PlainConnection("op.example"), Socket()
    connection.sock = sock
    with deadline(8):
        clock.now += 3
        connection.request("POST", "/token", body=b"a=1", headers={"X-A": "b", "User-Agent": "gate"})
        (sent,) = [each for each in sock.asked if isinstance(each, bytes)]
        assert sock.asked[-2:] == [5.0, sent]
        assert sent.startswith(b"POST /token HTTP/1.1\r\n")
        assert sent.endswith(b"\r\n\r\na=1")
        connection.send(b"more")
    assert sock.asked[-3:] == [sent, 5.0, b"more"]


def test_a_request_that_cannot_be_written_leaves_nothing_for_the_next_one(clock: Clock) -> None:
    connection, sock = module._PlainConnection("op.example"), Socket()
    connection.sock = sock
    with deadline(8):
        with pytest.raises(InvalidURL, match="control characters"):
            connection.request("GET", "/a b\n")
        assert connection._unsent is None
        assert not [each for each in sock.asked if isinstance(each, bytes)]


def test_the_handshake_behind_a_proxy_has_the_time_that_is_left(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(HTTPConnection, "_tunnel", lambda self: asked.append("tunnel"))
    connection, sock = module._TLSConnection("op.example"), Socket()
    connection.sock = sock
    with deadline(8):
        clock.now += 3
        connection._tunnel()
    assert (asked, sock.asked) == (["tunnel"], [5.0])


def test_each_read_has_the_time_that_is_left(clock: Clock) -> None:
    sock = Socket()
    with deadline(8):
        reader = module._TimedSocket(sock).makefile("rb")  # type: ignore[arg-type]
        assert reader.readable()
        clock.now += 3
        assert reader.read1(10) == b"ab"
        clock.now += 3
        assert reader.read1(10) == b"ab"
        clock.now += 3
        with pytest.raises(TimeoutError):
            reader.read1(10)
        reader.close()
        reader.close()
    assert sock.asked == [("rb", 0), 5.0, "read", 2.0, "read", "closed"]


@pytest.mark.parametrize("proxy", ["http://proxy:3128", "https://proxy:3128", "HTTP://proxy:3128"])
def test_pools_keep_the_deadline_behind_a_proxy_too(proxy: str) -> None:
    adapter = DeadlineAdapter()
    for manager in (adapter.poolmanager, adapter.proxy_manager_for(proxy)):
        found = manager.pool_classes_by_scheme
        assert {scheme: pool.ConnectionCls for scheme, pool in found.items()} == {
            "http": module._PlainConnection,
            "https": module._TLSConnection,
        }
    assert issubclass(module._TLSConnection, HTTPSConnection)
    assert module._TLSConnection.response_class is module._PlainConnection.response_class is module._Response


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "SOCKS5h://proxy:1080"])
def test_a_socks_proxy_keeps_its_own_pools(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Manager:
        pool_classes_by_scheme = "its own"

    monkeypatch.setattr(HTTPAdapter, "proxy_manager_for", lambda *given, **more: Manager())
    assert DeadlineAdapter().proxy_manager_for(proxy).pool_classes_by_scheme == "its own"
