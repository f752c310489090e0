"""An application with an event stream, uploads and a WebSocket that echoes, each open until the client leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oidc_gate.shells.asgi_messages import Receive, Scope, Send


_next = asyncio.Event()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer ``/events`` with an event, and another after each ``/next``; else with the number of bytes received."""
    if scope["type"] == "websocket":
        await _echo(receive, send)
    elif scope["type"] == "http" and scope["path"].endswith("/events"):
        await _start(send, b"text/event-stream")
        while True:
            await send({"type": "http.response.body", "body": b"data: event\n\n", "more_body": True})
            await _next.wait()
            _next.clear()
    elif scope["type"] == "http":
        if scope["path"] == "/next":
            _next.set()
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        await _start(send, b"text/plain")
        await send({"type": "http.response.body", "body": str(size).encode()})


async def _start(send: Send, kind: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})


async def _echo(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
