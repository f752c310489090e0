"""Applications with open connections: event streams, a download, and a WebSocket that echoes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from oidc_gate.shells.asgi_messages import Receive, Scope, Send

EVENT = b"data: event\n\n"
PIECE = b"x" * 1000
DOWNLOAD_PIECES, PIECE_SECONDS = 50, 0.1
"""Five seconds: longer than it takes to notice that a session has ended."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer ``/events`` (silent after the first), ``/ticks`` (never silent), ``/download``, and a WebSocket."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
    elif scope["path"] in ("/events", "/ticks", "/download", "/open/events"):
        await _stream(scope, send)
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"home"})


async def _stream(scope: Scope, send: Send) -> None:
    is_download = scope["path"] == "/download"
    kind = b"application/octet-stream" if is_download else b"text/event-stream"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    for _ in range(DOWNLOAD_PIECES if is_download else 10_000):
        await send({"type": "http.response.body", "body": PIECE if is_download else EVENT, "more_body": True})
        await anyio.sleep(3600 if scope["path"] == "/events" else PIECE_SECONDS)
    await send({"type": "http.response.body", "body": b""})


class _Events:
    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(10_000):
            yield EVENT
            time.sleep(PIECE_SECONDS)

    def close(self) -> None:
        _Events.closed += 1


def wsgi_application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer ``/ticks`` and ``/download``, and ``/closed`` with the number of event streams that were closed."""
    path = environ["PATH_INFO"]
    kind = "text/event-stream" if path == "/ticks" else "application/octet-stream"
    start_response("200 OK", [("Content-Type", kind)])
    if path == "/ticks":
        return _Events()
    return _download() if path == "/download" else [str(_Events.closed).encode()]


def _download() -> Iterator[bytes]:
    for _ in range(DOWNLOAD_PIECES):
        yield PIECE
        time.sleep(PIECE_SECONDS)
