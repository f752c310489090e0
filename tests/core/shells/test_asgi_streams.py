"""The end of a response, which responses are event streams, and which errors follow from the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import anyio
import pytest

from oidc_gate.runtime.streams import OpenStream
from oidc_gate.shells.asgi_messages import Message, Receive, Scope, Send
from oidc_gate.shells.asgi_streams import (
    SessionOver,
    _follows_from_the_end,
    _is_event_stream,
    _Response,
    end_with_session,
)

END = {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("more", "is_complete"), [({}, True), ({"more_body": False}, True), ({"more_body": True}, False)]
)
def test_a_response_is_completed_once(more: Message, is_complete: bool) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        sent.append(message)

    def register(wake: object) -> OpenStream:
        raise NotImplementedError

    async def respond() -> None:
        response = _Response(receive, send, register)
        await response.send({"type": "http.response.start", "status": 200, "headers": []})
        await response.send({"type": "http.response.body", "body": b"x", **more})
        await response.end()

    anyio.run(respond)
    assert sent[2:] == ([] if is_complete else [END])


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        (b"content-type", b"text/event-stream", True),
        (b"Content-Type", b" Text/Event-Stream; charset=utf-8", True),
        (b"content-type", b"text/plain", False),
        (b"content-type", b"application/json, text/event-stream", False),
        (b"x-type", b"text/event-stream", False),
    ],
)
def test_the_header_of_an_event_stream(name: bytes, value: bytes, is_one: bool) -> None:
    assert _is_event_stream(name, value) is is_one


def caused(error: Exception, cause: Exception | None = None, context: Exception | None = None) -> Exception:
    error.__cause__, error.__context__ = cause, context
    return error


OVER, OWN = SessionOver("over"), LookupError("its own")


@pytest.mark.parametrize(
    ("error", "follows"),
    [
        (None, False),
        (OWN, False),
        (OSError("of the server"), False),
        (OVER, True),
        (caused(KeyError(), cause=OVER), True),
        (caused(KeyError(), context=OVER), True),
        (caused(KeyError(), cause=OWN, context=OVER), False),
        (caused(KeyError(), context=caused(KeyError(), cause=OVER)), True),
        (ExceptionGroup("tasks", [OVER, caused(KeyError(), cause=OVER)]), True),
        (ExceptionGroup("tasks", [OVER, OWN]), False),
        (ExceptionGroup("tasks", [ExceptionGroup("inner", [OVER])]), True),
    ],
)
def test_which_errors_of_an_application_follow_from_the_end(
    error: BaseException | None, follows: bool
) -> None:
    assert _follows_from_the_end(error) is follows


OVER_REASON = "The session has ended."
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}


class Registered:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("connection", "first", "disconnect", "last"),
    [
        (
            "websocket",
            {"type": "websocket.accept"},
            {"type": "websocket.disconnect", "code": 1008, "reason": OVER_REASON},
            [{"type": "websocket.close", "code": 1008, "reason": OVER_REASON}],
        ),
        ("websocket", {"type": "websocket.close"}, None, []),
        ("http", START, {"type": "http.disconnect"}, [END]),
    ],
)
def test_what_both_sides_are_told_when_the_session_ends(
    kind: str, connection: str, first: Message, disconnect: Message | None, last: list[Message]
) -> None:
    sent: list[Message] = []
    wakes: list[Callable[[], object]] = []
    stream = Registered()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise NotImplementedError

    def register(wake: Callable[[], object]) -> OpenStream:
        wakes.append(wake)
        return cast("OpenStream", stream)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(first)
        wakes[0]()
        for _ in range(2):
            told = await receive()
            assert disconnect is None or told == disconnect
        with pytest.raises(SessionOver, match=OVER_REASON):
            await send(first)

    async def connect() -> None:
        with anyio.fail_after(20):
            await end_with_session(app, {"type": connection}, receive, send, register)

    anyio.run(connect, backend=kind)
    assert (sent, len(wakes), stream.closed) == ([first, *last], 1, 1)
