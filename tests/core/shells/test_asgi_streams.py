"""The end of a response: it is completed once, by the application or by the gate."""

from __future__ import annotations

import anyio
import pytest

from oidc_gate.runtime.streams import OpenStream
from oidc_gate.shells.asgi_messages import Message
from oidc_gate.shells.asgi_streams import _Response

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
