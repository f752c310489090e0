"""The end of a response, which responses are event streams, and which errors follow from the end."""

from __future__ import annotations

import anyio
import pytest

from oidc_gate.runtime.streams import OpenStream
from oidc_gate.shells.asgi_messages import Message
from oidc_gate.shells.asgi_streams import (
    SessionOver,
    _follows_from_the_end,
    _is_event_stream,
    _Response,
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
