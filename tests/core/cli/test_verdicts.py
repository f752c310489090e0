"""The short way through uvicorn: taken for plain requests alone, and with the same gate behind it as the long way."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from oidc_gate.asgi import AuthBackend
from oidc_gate.cli.verdicts import VerdictProtocol, cookie_of
from oidc_gate.model import Identity, Session
from oidc_gate.runtime.driver import run
from tests.core.request.making import settings

PLAIN = b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: x=1; %s\r\nAccept: */*\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "cookie"),
    [
        (b"GET / HTTP/1.1\r\nCookie: a=b; c=d\r\n\r\n", "a=b; c=d"),
        (b"GET / HTTP/1.1\r\nHost: x\r\ncookie:a=b \r\nAccept: y\r\n\r\n", "a=b"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nContent-Length: 4\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nContent-Length:", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\n\r\nGET / HTTP/1.1\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\n\r\nbody\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nContent-Length: 4\r\nCookie: a=b\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nTRANSFER-ENCODING: chunked\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nConnection: close\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nUpgrade: websocket\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nUPGRADE:WebSocket\r\nCookie: a=b\r\n\r\n", ""),
        # Nginx leaves Upgrade out, and hands these on
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nsec-websocket-version: 13\r\nCookie: a=b\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nOrigin: https://evil.example\r\nCookie: a=b\r\n\r\n", "a=b"),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nExpect: 100-continue\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nX: 1\nContent-Length: 4\r\nCookie: a=b\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: a=b\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", ""),
    ],
)
def test_what_is_plain(data: bytes, cookie: str) -> None:
    assert cookie_of(data) == cookie


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Connection:
    """One connection to a server with one gate, and somebody's cookie."""

    def __init__(self, **config: Any) -> None:
        given = settings(public_url="https://app.example.com", issuer="http://localhost:9")
        self.app = AuthBackend(given)
        self.runtime = self.app._backends.root.runtime
        self.runtime.warm_up = lambda: None  # type: ignore[method-assign]
        loaded = Config(self.app, http=VerdictProtocol, log_level="critical", proxy_headers=False, **config)
        self.protocol = VerdictProtocol(loaded, ServerState(), {})
        self.transport = Transport()
        self.protocol.connection_made(self.transport)
        now = int(time.time())
        who = Identity(given.issuer, "ada", "ada@example.com", True, session_id="sid", expires_at=now + 900)
        writing = self.runtime.gate.components.sessions.write(Session(who, now, now))
        _, cookies = run(writing, self.runtime.world, lambda limit: b"")
        self.cookie = cookies[0].split(";")[0].encode()

    async def send(self, data: bytes) -> bytes:
        self.transport.sent = b""
        self.protocol.data_received(data)
        self.was_short = bool(self.transport.sent)
        for _ in range(20):
            await asyncio.sleep(0)
        return self.transport.sent


def test_both_ways_answer_the_same() -> None:
    async def story() -> None:
        connection = Connection(date_header=False, server_header=False)
        plain = PLAIN % connection.cookie
        short = await connection.send(plain)
        was_short = connection.was_short
        long = await connection.send(plain.replace(b"Accept", b"Connection: keep-alive\r\nAccept"))
        assert (was_short, connection.was_short) == (True, False)
        assert sorted(short.lower().split(b"\r\n")) == sorted(long.lower().split(b"\r\n"))
        assert short.startswith(b"HTTP/1.1 202 Accepted\r\n")
        assert b"x-auth-request-user: ada\r\n" in short
        assert b"content-length: 0\r\n" in short

    asyncio.run(story())


def test_whoever_reads_no_answers_gets_no_more_of_them() -> None:
    async def story() -> None:
        connection = Connection()
        connection.protocol.pause_writing()
        assert await connection.send(PLAIN % connection.cookie) == b""
        connection.protocol.resume_writing()
        assert b" 202 " in await connection.send(b"")

    asyncio.run(story())


def test_a_sign_out_on_the_long_way_is_seen_on_the_short_one() -> None:
    async def story() -> None:
        connection = Connection()
        assert b" 202 " in await connection.send(PLAIN % connection.cookie)
        head = (
            b"POST /oauth2/sign_out HTTP/1.1\r\nHost: app.example.com\r\nOrigin: https://app.example.com\r\n"
        )
        out = await asyncio.wait_for(
            _answer(connection, head + b"Content-Length: 0\r\nCookie: %s\r\n\r\n"), 20
        )
        assert b" 303 " in out
        assert b" 401 " in await connection.send(PLAIN % connection.cookie)

    async def _answer(connection: Connection, data: bytes) -> bytes:
        await connection.send(data % connection.cookie)
        while not connection.transport.sent:
            await asyncio.sleep(0.01)
        return connection.transport.sent

    asyncio.run(story())


@pytest.mark.parametrize(
    "data",
    [
        b"GET /oauth2/auth?allowed_groups=x HTTP/1.1\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.0\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"POST /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/authx HTTP/1.1\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %sx\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: y=%s\r\n\r\n",
    ],
)
def test_everything_else_goes_the_long_way(data: bytes) -> None:
    async def story() -> None:
        connection = Connection()
        await connection.send(data % connection.cookie)
        assert not connection.was_short

    asyncio.run(story())


def test_a_request_in_two_pieces_is_the_parsers() -> None:
    async def story() -> None:
        connection = Connection()
        first = b"GET /oauth2/auth HTTP/1.1\r\nX-Held: "
        await connection.send(first)
        await connection.send(PLAIN % connection.cookie)
        assert not connection.was_short

    asyncio.run(story())


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until it is put on."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def put_on(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(5):
            await asyncio.sleep(0)


def test_a_connection_that_is_idle_is_closed() -> None:
    async def story() -> None:
        connection = Connection(timeout_keep_alive=5)
        await connection.send(PLAIN % connection.cookie)
        await loop.put_on(4.9)
        assert not connection.transport.closed
        await loop.put_on(0.2)
        assert connection.transport.closed

    with asyncio.Runner(loop_factory=ClockLoop) as runner:
        loop = cast(ClockLoop, runner.get_loop())
        runner.run(story())


def test_a_connection_in_use_on_the_short_way_outlives_the_timer_of_the_long_one() -> None:
    async def story() -> None:
        connection = Connection(timeout_keep_alive=5)
        plain = PLAIN % connection.cookie
        await connection.send(plain)
        await connection.send(plain.replace(b"Accept", b"Connection: keep-alive\r\nAccept"))
        states: list[tuple[bool, bool]] = []
        for _ in range(10):
            await loop.put_on(2)
            await connection.send(plain)
            states.append((connection.was_short, connection.transport.closed))
        assert states == [(True, False)] * 10
        await loop.put_on(6)
        assert connection.transport.closed

    with asyncio.Runner(loop_factory=ClockLoop) as runner:
        loop = cast(ClockLoop, runner.get_loop())
        runner.run(story())


def test_no_answer_overtakes_the_one_before_it() -> None:
    async def story() -> None:
        connection = Connection()
        plain = PLAIN % connection.cookie
        await connection.send(plain)
        connection.transport.sent = b""
        connection.protocol.data_received(b"GET /oauth2/ping HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
        sent = await connection.send(plain)
        assert not connection.was_short
        assert sent.index(b" 200 ") < sent.index(b" 202 ")

    asyncio.run(story())
