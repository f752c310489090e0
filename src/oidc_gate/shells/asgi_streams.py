"""WebSockets and event streams over ASGI, which end with their session.

To the application this looks like a client that disconnects: `receive` returns a disconnect, even to a call that is
already waiting, and `send` raises an OSError. The application is not cancelled. For the client, the WebSocket is
closed, or the response has ended, at once, whatever the application waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

import anyio

from ..runtime.loops import setter_of
from ..runtime.streams import OpenStream
from .asgi_messages import Message, Receive, Scope, Send

POLICY_VIOLATION = 1008
_REASON = "The session has ended."
# A client that reads nothing can delay the last message, but receives nothing else either.
_END_SECONDS = 10.0

RegisterStream = Callable[[Callable[[], object]], OpenStream]
"""Registers a stream. The argument is a function that wakes it, from any thread."""


class SessionOver(OSError):
    """The session has ended, so nothing more can be sent.

    Spec: ASGI 3.0, "Disconnected client - send exception".
    """


async def end_with_session(
    app: Callable[..., Any], scope: Scope, receive: Receive, send: Send, open_stream: RegisterStream
) -> None:
    """Call the application with a WebSocket, or a request that accepts an event stream, and end it with its session."""
    stream = (_WebSocket if scope["type"] == "websocket" else _Response)(receive, send, open_stream)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.end_in_time)
        try:
            await app(scope, stream.receive, stream.send)
        except Exception as error:
            failure = error
        finally:
            stream.close()
        if not stream.is_over:
            tasks.cancel_scope.cancel()
    if failure is not None and not _follows_from_the_end(failure):
        raise failure


class _Stream:
    """One connection. The application gets its `receive` and `send`.

    Attributes:
        is_over: Whether its session has ended.
    """

    disconnect: ClassVar[Message]

    def __init__(self, receive: Receive, send: Send, open_stream: RegisterStream) -> None:
        self._receive, self._send, self._open_stream = receive, send, open_stream
        self._woken = anyio.Event()
        self._waiting: set[anyio.CancelScope] = set()
        self._registered: OpenStream | None = None
        self.is_over = False

    def register(self) -> None:
        if self._registered is None:
            self._registered = self._open_stream(setter_of(self._woken))

    def close(self) -> None:
        if self._registered is not None:
            self._registered.close()

    async def end_in_time(self) -> None:
        """Wait until the session has ended, and end the stream."""
        await self._woken.wait()
        self.is_over = True
        for scope in self._waiting:
            scope.cancel()
        # Servers raise different exceptions if the client has left in the meantime.
        with suppress(Exception), anyio.move_on_after(_END_SECONDS):
            await self.end()

    async def end(self) -> None:
        """Send the client the message that ends the connection."""
        raise NotImplementedError

    async def receive(self) -> Message:
        """Return what the client sends, or the disconnect as soon as the session is over."""
        if not self.is_over:
            with anyio.CancelScope() as scope:
                self._waiting.add(scope)
                try:
                    message = await self._receive()
                finally:
                    self._waiting.discard(scope)
            if not self.is_over:
                return message
        return dict(self.disconnect)

    async def send(self, message: Message) -> None:
        """Send what the application sends.

        Raises:
            SessionOver: The session is over, as if the client had disconnected.
        """
        if self.is_over:
            raise SessionOver(_REASON)
        try:
            await self._send(message)
        except Exception as error:
            if self.is_over:
                raise SessionOver(_REASON) from error
            raise


class _WebSocket(_Stream):
    disconnect: ClassVar[Message] = {
        "type": "websocket.disconnect",
        "code": POLICY_VIOLATION,
        "reason": _REASON,
    }

    def __init__(self, receive: Receive, send: Send, open_stream: RegisterStream) -> None:
        super().__init__(receive, send, open_stream)
        self._is_closed = False
        self.register()

    async def send(self, message: Message) -> None:
        # A denial is an ordinary response, which is not cut.
        if message["type"] not in ("websocket.accept", "websocket.send"):
            self._is_closed = True
        await super().send(message)

    async def end(self) -> None:
        if not self._is_closed:
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": _REASON})


class _Response(_Stream):
    """A response, which is registered once it has turned out to be an event stream."""

    disconnect: ClassVar[Message] = {"type": "http.disconnect"}

    def __init__(self, receive: Receive, send: Send, open_stream: RegisterStream) -> None:
        super().__init__(receive, send, open_stream)
        self._is_complete = False

    async def send(self, message: Message) -> None:
        await super().send(message)
        if message["type"] == "http.response.start":
            if any(_is_event_stream(name, value) for name, value in message.get("headers", ())):
                self.register()
        elif message["type"] == "http.response.body":
            self._is_complete = not message.get("more_body", False)

    async def end(self) -> None:
        if not self._is_complete:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_event_stream(name: bytes, value: bytes) -> bool:
    return name.lower() == b"content-type" and value.strip().lower().startswith(b"text/event-stream")


def _follows_from_the_end(error: BaseException | None) -> bool:
    """Return whether an exception is a `SessionOver`, or what a framework made of it."""
    while error is not None:
        if isinstance(error, SessionOver):
            return True
        if isinstance(error, BaseExceptionGroup):
            return all(map(_follows_from_the_end, error.exceptions))
        error = error.__cause__ or error.__context__
    return False
