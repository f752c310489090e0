"""What one connection to `oidc-gate serve` may cost: bytes, time, memory, and whose turn it is."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Iterable
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from oidc_gate.asgi import AuthBackend
from oidc_gate.cli import bounds
from tests.core.cli.connection import PLAIN, ClockLoop, Connection, Transport, statuses, with_clock

LINE = b"GET /oauth2/ping HTTP/1.1\r\n"
PING = LINE + b"Host: app\r\n\r\n"
CHUNKED = b"POST /oauth2/sign_out HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n"
POST = b"POST /oauth2/sign_out HTTP/1.1\r\nHost: app\r\nContent-Length: 40\r\n\r\n"
LIMIT = bounds.MAX_HEAD_BYTES


@pytest.fixture(autouse=True)
def warnings_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_warned_at", {})


def pieces(start: bytes, piece: bytes, size: int) -> Iterable[bytes]:
    """Return `start`, and then `piece` again and again until there are `size` bytes."""
    return [start, *[piece] * ((size - len(start)) // len(piece) + 1)]


ENDLESS = {
    "one header": (LINE + b"Host: app\r\nX: ", b"x" * 1000),
    "many headers": (LINE + b"Host: app\r\n", b"X-Header: y\r\n"),
    "a header's name": (LINE, b"x" * 1000),
    "the request line": (b"GET /oauth2/ping?", b"x" * 1000),
    "the method": (b"", b"G"),
    "empty lines in front": (b"", b"\r\n\r\n"),
    "a trailer": (CHUNKED + b"0\r\nX: ", b"x" * 1000),
    "trailers": (CHUNKED + b"0\r\n", b"X-Trailer: y\r\n"),
    "a chunk's extension": (CHUNKED + b"1;x=", b"x" * 1000),
    "tiny chunks": (CHUNKED, b"1;xxxxxxxxxxxxxxxxx\r\ny\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("is_in_one_piece", [False, True])
def test_a_head_has_an_end(name: str, is_in_one_piece: bool) -> None:
    async def story() -> None:
        connection = Connection()
        start, piece = ENDLESS[name]
        more = pieces(start, piece, 3 * LIMIT)
        sent = await connection.send(*([b"".join(more)] if is_in_one_piece else more))
        assert connection.transport.is_closed
        assert set(statuses(sent)) <= {400, 431}  # many headers of nothing are malformed before they are many

    asyncio.run(story())


@pytest.mark.parametrize("name", ENDLESS)
def test_a_head_is_refused_as_soon_as_it_is_too_large(name: str) -> None:
    async def story() -> None:
        connection = Connection()
        fed = 0
        for piece in pieces(*ENDLESS[name], 3 * LIMIT):
            if connection.transport.is_closed:
                break
            connection.protocol.data_received(piece)
            await asyncio.sleep(0)
            fed += len(piece)
        assert fed <= 1.2 * LIMIT  # the bodies of chunks are no part of it

    asyncio.run(story())


def test_a_head_of_64_kb_is_taken() -> None:
    async def story() -> None:
        connection = Connection()
        head = LINE + b"Host: app\r\nX: %s\r\n\r\n"
        largest = head % (b"x" * (LIMIT - len(head) + 2))
        assert len(largest) == LIMIT
        assert statuses(await connection.send(largest)) == [200]
        assert statuses(await connection.send(largest.replace(b"X: ", b"X: x"))) == [431]

    asyncio.run(story())


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431)])
def test_a_head_has_a_hundred_headers(count: int, status: int) -> None:
    async def story() -> None:
        sent = await Connection().send(LINE + b"Host: app\r\n" + b"X: y\r\n" * (count - 1) + b"\r\n")
        assert statuses(sent) == [status]

    asyncio.run(story())


def test_a_trailer_field_is_no_header() -> None:
    async def story() -> None:
        connection = Connection(wrap=Slow)
        sent = await connection.send(CHUNKED, b"4\r\nbody\r\n0\r\nCookie: x\r\n\r\n", PING)
        assert statuses(sent) == [200, 200]
        assert connection.app.headers == [
            [(b"host", b"app"), (b"transfer-encoding", b"chunked")],
            [(b"host", b"app")],
        ]

    asyncio.run(story())


def test_an_upload_in_small_chunks_is_no_head() -> None:
    async def story() -> None:
        connection = Connection(wrap=Slow)
        chunk = b"40\r\n" + b"x" * 64 + b"\r\n"
        sent = await connection.send(*pieces(CHUNKED, chunk, 20 * LIMIT), b"0\r\n\r\n", PING)
        assert statuses(sent) == [200, 200]

    asyncio.run(story())


@pytest.mark.parametrize("first", [b"", PLAIN])
def test_a_slow_head_is_refused_after_ten_seconds(first: bytes) -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=5)
        if first:
            assert statuses(await connection.send(first % connection.cookie)) == [202]
        await connection.send(LINE)
        for _ in range(9):
            await loop.move(1)
            assert await connection.send(b"X: y\r\n") == b""
        await loop.move(1.5)
        assert statuses(connection.transport.sent) == [408]
        assert connection.transport.is_closed

    with_clock(story)


def test_a_client_that_says_nothing_is_closed_without_an_answer() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        await loop.move(9)
        was_closed = connection.transport.is_closed
        await loop.move(1.5)
        assert (was_closed, connection.transport.is_closed) == (False, True)
        assert connection.transport.sent == b""

    with_clock(story)


class Slow:
    """An application that reads the body, or waits, and keeps what it was sent."""

    def __init__(self, gate: AuthBackend) -> None:
        self.gate = gate
        self.messages: list[Any] = []
        self.headers: list[Any] = []
        self.may_answer = asyncio.Event()
        self.answers_first = False

    def verdict(self, cookie_header: str) -> bytes | None:
        return self.gate.verdict(cookie_header)

    @property
    def auth_path(self) -> str:
        return self.gate.auth_path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers.append(scope["headers"])
        if scope["path"] == "/wait":
            await self.may_answer.wait()
        elif not self.answers_first:
            while not self.messages or self.messages[-1].get("more_body"):
                self.messages.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def test_a_slow_body_is_refused_after_ten_seconds() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(wrap=Slow)
        await connection.send(POST)
        for _ in range(9):
            await loop.move(1)
            assert await connection.send(b"x") == b""
        await loop.move(1.5)
        await connection.settle()
        assert statuses(connection.transport.sent) == [408]
        assert connection.transport.is_closed
        assert connection.app.messages[-1] == {"type": "http.disconnect"}

    with_clock(story)


def test_what_is_left_of_a_body_after_its_answer_has_ten_seconds_too() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(wrap=Slow)
        connection.app.answers_first = True
        assert statuses(await connection.send(POST)) == [200]
        for _ in range(9):
            await loop.move(1)
            assert await connection.send(b"x") == b""
            assert not connection.transport.is_closed
        await loop.move(1.5)
        assert connection.transport.is_closed
        assert connection.transport.sent == b""  # one request has one answer

    with_clock(story)


def test_an_invalid_body_gets_no_second_answer() -> None:
    async def story() -> None:
        connection = Connection(wrap=Slow)
        connection.app.answers_first = True
        assert statuses(await connection.send(CHUNKED)) == [200]
        assert await connection.send(b"no chunk\r\n") == b""
        assert connection.transport.is_closed

    asyncio.run(story())


def test_the_gate_may_take_its_time() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(wrap=Slow, timeout_keep_alive=5)
        await connection.send(PING.replace(b"/oauth2/ping", b"/wait"))
        await loop.move(60)
        assert not connection.transport.is_closed
        connection.app.may_answer.set()
        await connection.settle()
        assert statuses(connection.transport.sent) == [200]
        assert not connection.transport.is_closed
        await loop.move(5.5)
        assert connection.transport.is_closed

    with_clock(story)


def test_nothing_is_read_while_answers_are_not_read() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=60)
        plain = PLAIN % connection.cookie
        connection.protocol.pause_writing()
        paused = [connection.transport.is_paused]
        assert await connection.send(plain) == b""
        connection.protocol.resume_writing()
        await connection.settle()
        paused.append(connection.transport.is_paused)
        assert paused == [True, False]
        assert statuses(connection.transport.sent) == [202]
        await loop.move(30)
        assert not connection.transport.is_closed

    with_clock(story)


def test_an_answer_that_fills_the_buffer_stops_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        connection = Connection()
        write = connection.transport.write

        def fill(data: bytes) -> None:
            write(data)
            connection.protocol.pause_writing()

        monkeypatch.setattr(connection.transport, "write", fill)
        head_of_the_answer = await connection.send(PING)
        connection.protocol.resume_writing()  # uvicorn waits with the body of the answer for this
        await connection.settle()
        assert (statuses(head_of_the_answer), connection.transport.is_paused) == ([200], True)

    asyncio.run(story())


def test_a_client_that_does_not_read_is_dropped() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        connection.protocol.pause_writing()
        await loop.move(9)
        assert not connection.transport.is_closed
        await loop.move(1.5)
        assert connection.transport.is_aborted

    with_clock(story)


def test_a_connection_that_was_closed_and_does_not_read_its_last_answer_is_dropped() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=60)
        await connection.send(PLAIN % connection.cookie)
        await connection.send(PLAIN.replace(b"Accept", b"Connection: close\r\nAccept") % connection.cookie)
        assert connection.transport.is_closed
        await loop.move(10.5)
        assert connection.transport.is_aborted

    with_clock(story)


@pytest.mark.parametrize("in_front", [b"", b"\r\n\r\n"], ids=["nothing", "empty lines"])
def test_requests_ahead_of_their_turn_wait_and_are_answered_in_order(in_front: bytes) -> None:
    async def story() -> None:
        connection = Connection(wrap=Slow)
        wait = PING.replace(b"/oauth2/ping", b"/wait")
        plain = PLAIN % connection.cookie
        assert await connection.send(in_front + wait + plain + plain, plain) == b""
        assert connection.transport.is_paused
        assert len(connection.protocol.pipeline) == 0  # uvicorn would keep a scope for each
        connection.app.may_answer.set()
        await connection.settle()
        assert statuses(connection.transport.sent) == [200, 202, 202, 202]
        assert not connection.transport.is_paused

    asyncio.run(story())


def test_requests_ahead_of_their_turn_are_bounded() -> None:
    async def story() -> None:
        connection = Connection(wrap=Slow)
        await connection.send(PING.replace(b"/oauth2/ping", b"/wait"))
        assert await connection.send(b"".join(pieces(b"", PING, 2 * LIMIT))) == b""
        assert connection.protocol._held == b""
        connection.app.may_answer.set()
        await connection.settle()
        assert statuses(connection.transport.sent) == [200]
        assert connection.transport.is_closed

    asyncio.run(story())


def test_after_a_close_nothing_is_answered() -> None:
    async def story() -> None:
        connection = Connection()
        last = PING.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert statuses(await connection.send(last + PLAIN % connection.cookie)) == [200]

    asyncio.run(story())


class Socket:
    def __init__(self, number: int) -> None:
        self.number = number

    def fileno(self) -> int:
        return self.number


@pytest.mark.parametrize(("number", "warns"), [(5, False), (972, False), (973, True), (1023, True)])
def test_file_descriptors_that_run_out_are_in_the_log(
    number: int, warns: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        connection = Connection()
        monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 4096))
        transport = Transport()
        monkeypatch.setattr(transport, "_extra", {"socket": Socket(number)})
        monkeypatch.setattr(HttpToolsProtocol, "connection_made", connection_made)
        for _ in range(3):
            connection.protocol.connection_made(transport)

    def connection_made(self: Any, transport: Any) -> None:
        self.transport = transport

    with caplog.at_level(logging.WARNING, "oidc_gate"):
        asyncio.run(story())
    lines = [record.getMessage() for record in caplog.records if "file descriptors" in record.getMessage()]
    assert len(lines) == warns  # once, not for each connection
    assert all("LimitNOFILE" in line and "1024" in line for line in lines)


def test_refusals_are_in_the_log_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        for _ in range(3):
            await Connection().send(LINE + b"x" * 2 * LIMIT)

    with caplog.at_level(logging.WARNING, "oidc_gate"):
        asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == [
        "431: the head of a request from a Unix socket is larger than 65536 bytes or has more than 100 headers,"
        " or more than 65536 bytes were sent ahead of their turn"
    ]


def test_at_the_end_an_idle_connection_waits_for_a_request_that_is_on_its_way() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        connection.protocol.shutdown()
        await loop.move(0.9)
        assert not connection.transport.is_closed
        answer = await connection.send(PING)
        assert (statuses(answer), b"connection: close\r\n" in answer) == ([200], True)
        assert connection.transport.is_closed

    with_clock(story)


def test_at_the_end_an_idle_connection_is_closed_after_a_second() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        await connection.send(PING)
        connection.protocol.shutdown()
        await loop.move(1.1)
        assert connection.transport.is_closed

    with_clock(story)


def test_at_the_end_the_prepared_answers_are_not_used() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        request = PLAIN % connection.cookie
        await connection.send(request)
        await connection.send(request)
        assert connection.was_immediate
        connection.protocol.shutdown()
        answer = await connection.send(request)
        assert (statuses(answer), b"connection: close\r\n" in answer) == ([202], True)

    with_clock(story)


def test_at_the_end_a_request_is_answered_that_has_begun() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        await connection.send(PING[:20])
        connection.protocol.shutdown()
        await loop.move(1.1)
        assert not connection.transport.is_closed
        assert statuses(await connection.send(PING[20:])) == [200]
        assert connection.transport.is_closed

    with_clock(story)
