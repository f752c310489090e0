"""The exact limits of one connection to `oidc-gate serve`, and what a client and the log are told."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import pytest

from oidc_gate.cli import bounds
from tests.core.cli.connection import ClockLoop, Connection, Transport, statuses, with_clock
from tests.core.cli.test_bounds import LIMIT, LINE, PING, POST, Slow, Socket


@pytest.fixture(autouse=True)
def warnings_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_warned_at", {})


@pytest.mark.parametrize(
    ("limit", "number", "said"),
    [
        (20, 15, None),
        (20, 16, "17 of at most 20"),
        (1024, 973, "974 of at most 1024"),
        (resource.RLIM_INFINITY, 5, None),
    ],
)
def test_how_many_file_descriptors_are_few(
    limit: int,
    number: int,
    said: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    transport = Transport()
    bounds._check_descriptors(transport)
    monkeypatch.setattr(transport, "_extra", {"socket": Socket(number)})
    bounds._check_descriptors(transport)
    lines = [record.getMessage() for record in caplog.records]
    assert [f"file descriptors run out: {said} are open" in line for line in lines] == (
        [True] if said else []
    )


def test_a_warning_comes_again_after_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times = [100.0, 159.9, 159.9, 160.0]
    monkeypatch.setattr(bounds, "monotonic", lambda: times.pop(0))
    for message in ("%s", "%s", "%s!", "%s"):
        bounds._warn(message, "a")
    assert [record.getMessage() for record in caplog.records] == ["a", "a!", "a"]


@pytest.mark.parametrize(
    ("data", "status", "phrase"),
    [
        (LINE + b"\r\n", 400, "Bad Request"),
        (LINE + b"x" * 2 * LIMIT, 431, "Request Header Fields Too Large"),
    ],
)
def test_a_refusal_is_a_whole_answer(data: bytes, status: int, phrase: str) -> None:
    async def story() -> None:
        assert (
            await Connection().send(data)
            == (
                f"HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
                f"content-length: {len(phrase)}\r\nconnection: close\r\n\r\n{phrase}"
            ).encode()
        )

    asyncio.run(story())


def test_the_warning_names_the_client(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        connection = Connection()
        connection.protocol.client = ("192.0.2.7", 4711)
        await connection.send(LINE + b"\r\n")

    asyncio.run(story())
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "oidc_gate",
            "WARNING",
            "400: a request from 192.0.2.7 is malformed, or has no Host or more than one",
        )
    ]


def test_a_request_of_http_1_0_needs_no_host() -> None:
    async def story() -> None:
        assert statuses(await Connection().send(b"GET /oauth2/ping HTTP/1.0\r\n\r\n")) == [200]
        two = b"GET /oauth2/ping HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"
        assert statuses(await Connection().send(two)) == [400]

    asyncio.run(story())


@pytest.mark.parametrize("seconds", [9.9, 10.0])
def test_each_limit_is_ten_seconds(seconds: float) -> None:
    async def story(loop: ClockLoop) -> None:
        head, body, unread = Connection(), Connection(wrap=Slow), Connection()
        await head.send(LINE)
        await body.send(POST)
        unread.protocol.pause_writing()
        await loop.move(seconds)
        await body.settle()
        ends = seconds == 10.0
        found = [statuses(each.transport.sent) for each in (head, body)]
        assert found == ([[408], [408]] if ends else [[], []])
        assert unread.transport.is_aborted is ends

    with_clock(story)


def test_the_time_of_the_first_head_starts_with_the_connection() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=30)
        await loop.move(9)
        await connection.send(LINE)
        await loop.move(0.9)
        was_open = not connection.transport.is_closed
        await loop.move(0.1)
        assert (was_open, statuses(connection.transport.sent)) == (True, [408])

    with_clock(story)


def test_the_time_of_a_head_starts_with_its_first_byte() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=30)
        await connection.send(PING)
        await loop.move(20)
        await connection.send(LINE)
        await loop.move(9.9)
        was_open = not connection.transport.is_closed
        await loop.move(0.1)
        assert (was_open, statuses(connection.transport.sent)) == (True, [408])

    with_clock(story)


@pytest.mark.parametrize(("more", "is_closed"), [(0, False), (1, True)])
def test_how_much_may_be_sent_ahead(more: int, is_closed: bool) -> None:
    async def story() -> None:
        connection = Connection(wrap=Slow)
        await connection.send(PING.replace(b"/oauth2/ping", b"/wait"))
        ahead = PING + b"x" * (bounds.MAX_HELD_BYTES - len(PING) + more)
        await connection.send(ahead[:100], ahead[100:])
        assert (connection.protocol._held == b"") is is_closed
        connection.app.may_answer.set()
        await connection.settle()
        assert connection.transport.is_closed  # the rest is no request, or was too much
        assert statuses(connection.transport.sent)[0] == 200

    asyncio.run(story())


def test_a_lost_connection_leaves_no_timer() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        connection.protocol.pause_writing()
        connection.protocol.connection_lost(None)
        await loop.move(60)
        assert connection.transport.sent == b""
        assert not connection.transport.is_aborted

    with_clock(story)


def test_the_limit_for_reading_answers_starts_anew_each_time() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection(timeout_keep_alive=60)
        await connection.send(PING)
        for _ in range(3):
            connection.protocol.pause_writing()
            await loop.move(6)
            connection.protocol.resume_writing()
            await loop.move(6)
        assert not connection.transport.is_closed
        connection.protocol.pause_writing()
        await loop.move(10)
        assert connection.transport.is_aborted

    with_clock(story)


def test_nothing_is_written_to_a_client_that_does_not_read() -> None:
    async def story(loop: ClockLoop) -> None:
        connection = Connection()
        await connection.send(LINE)
        await loop.move(5)
        connection.protocol.pause_writing()
        await loop.move(5)
        assert (connection.transport.sent, connection.transport.is_closed) == (b"", True)
        assert not connection.transport.is_aborted
        await loop.move(5)
        assert connection.transport.is_aborted

    with_clock(story)


class Stream(Slow):
    """An application that sends the head of its answer, reads the body, and ends its answer when it may."""

    read = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        more = True
        while more:
            message = await receive()
            self.read += message.get("body", b"")
            more = message.get("more_body", False)
        await self.may_answer.wait()
        await send({"type": "http.response.body", "body": b"b"})


def test_a_body_is_read_on_when_its_answer_is_read() -> None:
    async def story() -> None:
        connection = Connection(wrap=Stream)
        await connection.send(POST)
        connection.protocol.pause_writing()
        paused = connection.transport.is_paused
        connection.protocol.resume_writing()
        assert (paused, connection.transport.is_paused) == (True, False)
        await connection.send(b"x" * 40)
        assert connection.app.read == b"x" * 40

    asyncio.run(story())


def test_the_next_request_waits_for_the_answer_although_the_client_reads() -> None:
    async def story() -> None:
        connection = Connection(wrap=Stream)
        await connection.send(POST + b"x" * 40, PING)
        connection.protocol.pause_writing()
        connection.protocol.resume_writing()
        assert (connection.transport.is_paused, connection.protocol._held) == (True, PING)
        connection.app.may_answer.set()
        await connection.settle()
        assert (connection.transport.is_paused, connection.protocol._held) == (False, b"")
        assert connection.app.read == b"x" * 40

    asyncio.run(story())


def test_an_upgrade_is_a_request_like_any_other() -> None:
    async def story() -> None:
        upgrade = PING.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert statuses(await Connection().send(upgrade + upgrade + PING)) == [200, 200, 200]

    asyncio.run(story())
