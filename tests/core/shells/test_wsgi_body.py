"""Bodies that do not come: what a WSGI server waits for ends, and what it does not wait for is left alone."""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oidc_gate.errors import GateError
from oidc_gate.runtime.threads import ServerThreads
from oidc_gate.shells import wsgi_body
from oidc_gate.shells.wsgi_body import _Watch, drain_body, read_body
from tests.core.wire import make_authority

SHORT, LONG = 0.3, 600.0
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A client, and the socket that a server reads from."""
    client, server = socket.socketpair()
    with client, server:
        yield client, server


class Input:
    """What a server puts around its socket: a read waits until it has all that was asked for, or the end."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (piece := self._sock.recv(size - len(data))):
            data += piece
        return data


def environ(server: socket.socket, length: int = 900_000, **more: Any) -> dict[str, Any]:
    return {
        "CONTENT_LENGTH": str(length),
        "wsgi.input": Input(server),
        "gunicorn.socket": server,
        **{name.replace("_", "."): value for name, value in more.items()},
    }


def crowded() -> ServerThreads:
    """A server with hardly a thread left."""
    threads = ServerThreads()
    threads.see()
    threads.hold(-1)
    threads.hold(-2)
    return threads


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_BODY_SECONDS", "MAX_DRAIN_SECONDS"):
        monkeypatch.setattr(wsgi_body, name, SHORT)
    monkeypatch.setattr(wsgi_body, "HURRY_SECONDS", LONG)


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_BODY_SECONDS", "MAX_DRAIN_SECONDS"):
        monkeypatch.setattr(wsgi_body, name, LONG)
    monkeypatch.setattr(wsgi_body, "HURRY_SECONDS", SHORT)


def drip(sock: socket.socket) -> None:
    """Send a byte now and then, for as long as the other side listens."""

    def work() -> None:
        try:
            while True:
                sock.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            return

    threading.Thread(target=work, daemon=True).start()


@pytest.mark.parametrize("drips", [False, True])
@pytest.mark.parametrize("name", ["gunicorn.socket", "werkzeug.socket", "the file around it"])
def test_a_body_that_does_not_come_ends_the_read_and_the_response_can_still_be_sent(
    pair: Pair, drips: bool, name: str, short: None
) -> None:
    client, server = pair
    client.sendall(b"x" * 1000)
    if drips:
        drip(client)
    given = environ(server)
    threads = ServerThreads()
    started = time.monotonic()
    with server.makefile("rb") as file:
        if name != "gunicorn.socket":
            del given["gunicorn.socket"]
            given |= {name: server} if "socket" in name else {"wsgi.input": file}
        with pytest.raises(GateError) as caught:
            read_body(given, 1_000_000, threads)
    assert time.monotonic() - started >= SHORT
    assert (caught.value.code, caught.value.status) == ("body_timeout", 408)
    assert threads.held == 0
    server.sendall(b"HTTP/1.1 408 ")
    assert client.recv(100) == b"HTTP/1.1 408 "


def test_draining_ends_as_well(pair: Pair, short: None) -> None:
    client, server = pair
    client.sendall(b"x" * 1000)
    threads = ServerThreads()
    drain_body(environ(server), threads)
    assert threads.held == 0


def test_tls_stays_tls(pair: Pair, short: None, tmp_path: Path) -> None:
    """`SSLSocket.shutdown` drops TLS, and what is sent afterwards can be read by everyone on the way."""
    authority = make_authority(tmp_path)
    client, server = pair
    context = ssl.create_default_context(cafile=authority.ca_file)
    context.check_hostname = False
    ends: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: ends.append(context.wrap_socket(client)))
    thread.start()
    secured = authority.context().wrap_socket(server, server_side=True)
    thread.join(20)
    with secured, ends[0]:
        drain_body(environ(secured), ServerThreads())
        assert vars(secured)["_sslobj"] is not None
        with pytest.raises(ssl.SSLError):
            secured.sendall(b"HTTP/1.1 401 ")


def test_a_body_that_came_in_time_leaves_the_connection_alone(pair: Pair, short: None) -> None:
    client, server = pair
    client.sendall(b"a=1&b=2")
    assert read_body(environ(server, 7), 100, ServerThreads()) == b"a=1&b=2"
    time.sleep(2 * SHORT)
    client.sendall(b"the next request")
    assert server.recv(100) == b"the next request"


def test_a_time_that_ends_together_with_the_body_leaves_the_connection_alone(pair: Pair) -> None:
    client, server = pair
    watch = _Watch(environ(server), LONG)
    with watch.running():
        pass
    watch._shut_down()  # the timer was on its way already
    client.sendall(b"the next request")
    assert (server.recv(100), watch.is_over) == (b"the next request", False)


@pytest.mark.parametrize(
    ("seconds", "length", "is_late"),
    [(299.9, 9, False), (300.0, 9, True), (300.1, 9, True), (300.1, 2, False)],
)
def test_a_piece_that_came_too_late_is_the_last_and_the_body_is_not_taken_for_a_whole_one(
    pair: Pair, long: None, monkeypatch: pytest.MonkeyPatch, seconds: float, length: int, is_late: bool
) -> None:
    """The timer of a busy machine may be late, and the end is then seen between two pieces."""
    now = [0.0]
    monkeypatch.setattr(wsgi_body, "time", SimpleNamespace(monotonic=lambda: now[0]))

    class Late:
        def read(self, size: int) -> bytes:
            now[0] += seconds
            return b"x" if now[0] <= 2 * seconds else b""

    given = environ(pair[1], length, wsgi_input=Late())
    if is_late:
        with pytest.raises(GateError) as caught:
            read_body(given, 100, ServerThreads())
        assert caught.value.code == "body_timeout"
    else:
        assert read_body(given, 100, ServerThreads()) == b"xx"


@pytest.mark.parametrize(
    ("length", "terminated", "limit", "expected"),
    [
        ("5", False, 10, b"01234"),
        ("10", False, 4, b"01234"),
        ("", False, 10, b""),
        ("", True, 100, b"0123456789"),
        ("x", False, 10, b""),
        ("x", True, 3, b"0123"),
        ("-1", False, 10, b""),
        ("9" * 30, False, 4, b"01234"),
        ("100", False, 200, b"0123456789"),
    ],
)
def test_how_much_is_read(length: str, terminated: bool, limit: int, expected: bytes) -> None:
    given = {"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(b"0123456789")}
    if terminated:
        given["wsgi.input_terminated"] = True
    assert read_body(given, limit, ServerThreads()) == expected


def test_a_server_that_names_no_socket_is_asked_between_its_pieces(short: None) -> None:
    class Slow:
        taken = 0

        def read(self, size: int) -> bytes:
            assert self.taken < 20
            time.sleep(SHORT / 3)
            self.taken += 1
            return b"x"

    stream = Slow()
    given = {"CONTENT_LENGTH": "900000", "wsgi.input": stream}
    with pytest.raises(GateError):
        read_body(given, 1_000_000, ServerThreads())
    drain_body(given, ServerThreads())


def test_what_granian_reads_by_itself_is_left_to_it(pair: Pair) -> None:
    stream = type("WSGIBody", (), {"__module__": "granian._granian"})()
    drain_body({"CONTENT_LENGTH": "9", "wsgi.input": stream}, ServerThreads())


def test_while_few_threads_are_left_nothing_is_drained_and_a_body_has_less_time(
    pair: Pair, long: None
) -> None:
    client, server = pair
    client.sendall(b"x" * 1000)
    drain_body(environ(server), crowded())
    assert len(server.recv(2000)) == 1000, "it was not read"
    with pytest.raises(GateError):
        read_body(environ(server), 1_000_000, crowded())


def test_while_few_threads_are_left_a_body_that_is_there_is_read(pair: Pair, long: None) -> None:
    client, server = pair
    client.sendall(b"a=1&b=2")
    assert read_body(environ(server, 7), 100, crowded()) == b"a=1&b=2"


def test_a_client_that_is_gone() -> None:
    class Gone:
        def read(self, size: int) -> bytes:
            raise ConnectionResetError

    given = {"CONTENT_LENGTH": "9", "wsgi.input": Gone()}
    threads = ServerThreads()
    drain_body(given, threads)
    with pytest.raises(ConnectionResetError):
        read_body(given, 100, threads)
    assert threads.held == 0


class Counted(io.BytesIO):
    """An input that records how much each read asks for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.sizes.append(-1 if size is None else size)
        return super().read(size)


@pytest.mark.parametrize(
    ("environ", "limit", "body", "sizes"),
    [
        ({"CONTENT_LENGTH": "3"}, 10, b"abc", [3]),
        ({"CONTENT_LENGTH": "3"}, 3, b"abc", [3]),
        ({"CONTENT_LENGTH": "3"}, 2, b"abc", [3]),
        ({"CONTENT_LENGTH": "5"}, 2, b"abc", [3]),
        ({"CONTENT_LENGTH": "5"}, 0, b"a", [1]),
        ({"CONTENT_LENGTH": "9"}, 10, b"abcde", [9, 4]),
        ({"CONTENT_LENGTH": "0"}, 10, b"", []),
        ({"CONTENT_LENGTH": ""}, 10, b"", []),
        ({"CONTENT_LENGTH": "-1"}, 10, b"", []),
        ({"CONTENT_LENGTH": "٣"}, 10, b"", []),
        ({"CONTENT_LENGTH": "9" * 5000}, 3, b"abcd", [4]),
        ({}, 10, b"", []),
        ({"wsgi.input_terminated": True}, 10, b"abcde", [11, 6]),
        ({"wsgi.input_terminated": True}, 3, b"abcd", [4]),
        ({"wsgi.input_terminated": False}, 10, b"", []),
        ({"CONTENT_LENGTH": "3", "wsgi.input_terminated": True}, 10, b"abc", [3]),
    ],
)
def test_no_more_is_read_than_was_declared_or_than_may_be(
    environ: dict[str, Any], limit: int, body: bytes, sizes: list[int]
) -> None:
    given = Counted(b"abcde")
    assert read_body({"wsgi.input": given} | environ, limit, ServerThreads()) == body
    assert given.sizes == sizes


def test_a_long_body_is_read_in_pieces() -> None:
    given = Counted(b"x" * 200_000)
    environ = {"wsgi.input": given, "CONTENT_LENGTH": "200000"}
    assert len(read_body(environ, 150_000, ServerThreads())) == 150_001
    assert given.sizes == [65_536, 65_536, 150_001 - 2 * 65_536]


def test_without_an_input_there_is_no_body() -> None:
    assert read_body({"CONTENT_LENGTH": "3"}, 10, ServerThreads()) == b""
    drain_body({"CONTENT_LENGTH": "3"}, ServerThreads())


@pytest.mark.parametrize(("size", "taken"), [(1000, 1000), (1 << 20, 1 << 20), ((1 << 20) + 1, 1 << 20)])
def test_a_body_is_drained_up_to_a_mebibyte(size: int, taken: int) -> None:
    given = Counted(b"x" * size)
    drain_body({"wsgi.input": given, "CONTENT_LENGTH": str(size)}, ServerThreads())
    assert given.tell() == taken
