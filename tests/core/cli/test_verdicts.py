"""Verdicts without an ASGI scope: for plain requests alone, and the same that the gate gives through ASGI."""

from __future__ import annotations

import asyncio

import pytest

from tests.core.cli.connection import PLAIN, ClockLoop, Connection, statuses, with_clock


def test_both_ways_answer_the_same() -> None:
    async def story() -> None:
        connection = Connection(date_header=False, server_header=False)
        plain = PLAIN % connection.cookie
        at_once = await connection.send(plain)
        was_immediate = connection.was_immediate
        through_asgi = await connection.send(plain.replace(b"Accept", b"Connection: keep-alive\r\nAccept"))
        assert (was_immediate, connection.was_immediate) == (True, False)
        assert sorted(at_once.lower().split(b"\r\n")) == sorted(through_asgi.lower().split(b"\r\n"))
        assert at_once.startswith(b"HTTP/1.1 202 Accepted\r\n")
        assert b"x-auth-request-user: ada\r\n" in at_once
        assert b"content-length: 0\r\n" in at_once

    asyncio.run(story())


def test_a_sign_out_through_asgi_is_seen() -> None:
    async def story() -> None:
        connection = Connection()
        assert b" 202 " in await connection.send(PLAIN % connection.cookie)
        head = (
            b"POST /oauth2/sign_out HTTP/1.1\r\nHost: app.example.com\r\nOrigin: https://app.example.com\r\n"
        )
        out = await asyncio.wait_for(
            _answer(connection, head + b"Content-Length: 0\r\nCookie: %s\r\n\r\n"), 60
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
        b"GET http://app/oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.0\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"POST /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/authx HTTP/1.1\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %sx\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: y=%s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\nCookie: a=b\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\nConnection: close\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\nUPGRADE: websocket\r\n\r\n",
        # Nginx leaves Upgrade out, and passes these on
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nSec-WebSocket-Key: eA==\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nsec-websocket-version: 13\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\nExpect: 100-continue\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\nContent-Length: 0\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\nContent-Length: 4\r\n\r\nbody",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nCookie: %s\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_everything_else_is_answered_through_asgi(data: bytes) -> None:
    async def story() -> None:
        connection = Connection()
        sent = await connection.send(data % connection.cookie)
        assert not connection.was_immediate
        assert len(statuses(sent)) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    "data",
    [
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nContent-Length : 38\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nContent-Length: +4\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nContent Length: 4\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nX: \0\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nX: 1\rContent-Length: 4\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nX: 1\nContent-Length: 4\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nX\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\n: x\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nHost: app\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nHost: app\r\nHost : b\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1\r\nCookie: %s\r\n\r\n",
        b"GET /oauth2/auth HTTP/1.1 \r\nHost: app\r\nCookie: %s\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_no_verdict_and_what_follows_it_is_none_either(data: bytes) -> None:
    async def story() -> None:
        connection = Connection()
        inside = b"GET /oauth2/ping HTTP/1.1\r\nHost: app\r\n\r\n"
        sent = await connection.send(data % connection.cookie + inside)
        assert statuses(sent) == [400]
        assert connection.transport.is_closed

    asyncio.run(story())


def test_a_request_may_come_in_pieces() -> None:
    async def story() -> None:
        connection = Connection()
        data = PLAIN % connection.cookie
        sent = await connection.send(*(data[at : at + 1] for at in range(len(data))))
        assert statuses(sent) == [202]

    asyncio.run(story())


@pytest.mark.parametrize("body", [b"", b"body"])
def test_no_answer_overtakes_the_one_before_it(body: bytes) -> None:
    async def story() -> None:
        connection = Connection()
        plain = PLAIN % connection.cookie
        await connection.send(plain)
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        ping = b"GET /oauth2/ping HTTP/1.1\r\nHost: app.example.com\r\n%s\r\n%s" % (length, body)
        sent = await connection.send(ping + plain)
        assert not connection.was_immediate
        assert statuses(sent) == [200, 202]

    asyncio.run(story())


def test_a_connection_that_is_idle_is_closed() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=5)
        await connection.send(PLAIN % connection.cookie)
        await loop.move(4.9)
        assert not connection.transport.is_closed
        await loop.move(0.2)
        assert connection.transport.is_closed

    with_clock(story)


def test_a_connection_in_use_stays_open() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=5)
        plain = PLAIN % connection.cookie
        await connection.send(plain)
        await connection.send(plain.replace(b"Accept", b"Connection: keep-alive\r\nAccept"))
        states: list[tuple[bool, bool]] = []
        for _ in range(10):
            await loop.move(2)
            await connection.send(plain)
            states.append((connection.was_immediate, connection.transport.is_closed))
        assert states == [(True, False)] * 10
        await loop.move(6)
        assert connection.transport.is_closed

    with_clock(story)
