"""ASGI messages: reading the body of a request, sending a reply, and watching the application's response."""

from __future__ import annotations

import anyio

from ..model import Allow, Reply
from .asgi_messages import Message, Receive, Scope, Send, encode_headers
from .common import (
    MAX_BODY_SECONDS,
    MAX_DRAIN_BYTES,
    MAX_DRAIN_SECONDS,
    body_timeout,
    is_own_challenge,
    may_carry_cookie,
)


class Body:
    """The body of a request, which is read on demand and limited in size."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_over = False

    async def read(self, limit: int) -> bytes:
        """Return the body, at most `limit` + 1 bytes.

        Raises:
            GateError: ``body_timeout``: the body did not arrive in time.
        """
        chunks: list[bytes] = []
        with anyio.move_on_after(MAX_BODY_SECONDS) as time_limit:
            size = 0
            while not self._is_over and size <= limit:
                chunks.append(await self._next())
                size += len(chunks[-1])
        if time_limit.cancelled_caught:
            self._is_over = True
            raise body_timeout()
        return b"".join(chunks)[: limit + 1]

    async def drain(self) -> None:
        """Read and drop the rest, up to 1 MiB, for 2 seconds at most."""
        with anyio.move_on_after(MAX_DRAIN_SECONDS):
            size = 0
            while not self._is_over and size < MAX_DRAIN_BYTES:
                size += len(await self._next())

    async def _next(self) -> bytes:
        message = await self._receive()
        self._is_over = not message.get("more_body", False)  # nor does a disconnect announce more
        piece: bytes = message.get("body", b"")
        return piece

    async def handshake(self) -> None:
        """Receive the message that opens a WebSocket."""
        await self._receive()


async def send_reply(reply: Reply, scope: Scope, body: Body, send: Send, *, is_head: bool) -> None:
    """Send `reply`: without its body for HEAD, and as a denial for a WebSocket."""
    if scope["type"] == "websocket":
        return await _deny_websocket(reply, scope, body, send)
    if reply.drains:
        await body.drain()
    await send(
        {"type": "http.response.start", "status": reply.status, "headers": encode_headers(reply.headers)}
    )
    await send({"type": "http.response.body", "body": b"" if is_head else reply.body})


async def _deny_websocket(reply: Reply, scope: Scope, body: Body, send: Send) -> None:
    """Refuse a handshake: with the reply if the server supports it, and otherwise by closing (1008, policy violation).

    Spec: ASGI, WebSocket Denial Response extension; RFC 6455 §7.4.1.
    """
    await body.handshake()
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers = encode_headers(reply.headers)
    if scope.get("http_version", "1.1").startswith("1"):
        # hypercorn reads the next request on this connection as a part of the WebSocket, and its worker dies of it.
        headers.append((b"connection", b"close"))
    await send({"type": "websocket.http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": reply.body})


def watch_response(allow: Allow, send: Send, *, is_head: bool) -> Send:
    """Return a `send` that adds the renewed session, or replaces the application's own 401 by the sign-in."""
    if not allow.set_cookies and allow.replacement_for_401 is None:
        return send
    is_replaced = False

    async def watched(message: Message) -> None:
        nonlocal is_replaced
        if message["type"] == "http.response.start":
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            asks = (
                allow.replacement_for_401 is not None
                and message["status"] == 401
                and not _challenges(headers)
            )
            reply = allow.replacement_for_401() if asks and allow.replacement_for_401 else None
            if reply is not None:
                is_replaced = True
                await send(
                    {
                        "type": "http.response.start",
                        "status": reply.status,
                        "headers": encode_headers(reply.headers),
                    }
                )
                await send({"type": "http.response.body", "body": b"" if is_head else reply.body})
                return
            message = {**message, "headers": headers + _renewing(allow.set_cookies, headers)}
        if not is_replaced:
            await send(message)

    return watched


def _challenges(headers: list[tuple[bytes, bytes]]) -> bool:
    return is_own_challenge(
        value.decode("latin-1") for name, value in headers if name.lower() == b"www-authenticate"
    )


def _renewing(set_cookies: tuple[str, ...], headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    cache_control = [value.decode("latin-1") for name, value in headers if name.lower() == b"cache-control"]
    if not set_cookies or not may_carry_cookie(cache_control):
        return []
    added = [(b"set-cookie", cookie.encode("latin-1")) for cookie in set_cookies]
    return added if cache_control else [*added, (b"cache-control", b"private")]
