"""The short path through uvicorn, which answers requests of Nginx for known cookies as soon as they arrive.

The gate's own part of the cost of a request behind ``auth_request`` is a fiftieth. The rest is spent by the server,
which creates a scope, a task and messages. Therefore a request that is plain (one read, one ``GET``, no body, one
``Cookie`` header, a kept-alive connection) and whose answer is known is answered with prepared bytes. All other
requests take the long path through uvicorn's parser and the same gate. Both paths use one cache, so a sign-out on the
long path takes effect on the short one.
"""

from __future__ import annotations

import re
from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..asgi import AuthBackend

# The relevant parts of a request's head, in their order: a cookie; the end; or a body, a connection that is not kept
# alive, or a WebSocket handshake, whose Origin has to be checked too.
_NEXT = re.compile(
    rb"\r\n(?:cookie:([^\r\n]*)|\r\n|content-length:|transfer-encoding:|connection:|upgrade:|expect:|sec-websocket-)",
    re.IGNORECASE,
)
_MAX_LENGTH = 65_536  # h11 accepts 16 KiB by default


class VerdictProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the short path in front of its parser."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        backend: AuthBackend = self.config.loaded_app
        self._verdict = backend.verdict
        self._request_line = b"GET " + backend.auth_path.encode("ascii") + b" HTTP/1.1\r\n"
        self._is_inside = False
        self._active_at = 0.0
        self._timer: TimerHandle | None = None

    def on_message_begin(self) -> None:
        """Record that the parser is inside a request."""
        self._is_inside = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Record that the parser is between two requests."""
        self._is_inside = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Answer a plain request whose answer is known, and pass everything else to the parser."""
        if (
            not self._is_inside
            and data.startswith(self._request_line)
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused  # a client that does not read its answers gets no more of them
        ):
            answer = self._verdict(cookie) if (cookie := cookie_of(data)) else None
            if answer is not None:
                self.transport.write(answer)
                self.server_state.total_requests += 1
                self._stay_open()
                return
        super().data_received(data)

    def _stay_open(self) -> None:
        """Close the connection when it has been idle for uvicorn's limit. One timer serves many requests."""
        self._active_at = self.loop.time()
        if self._timer is None or self.timeout_keep_alive_task is not self._timer:
            self._unset_keepalive_if_required()  # uvicorn's own timer does not check whether the connection is idle
            self._set_timer(self.timeout_keep_alive)

    def _set_timer(self, seconds: float) -> None:
        self._timer = self.timeout_keep_alive_task = self.loop.call_later(seconds, self._close_if_idle)

    def _close_if_idle(self) -> None:
        left = self._active_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._set_timer(left)
        elif not self.transport.is_closing():
            self.transport.close()


def cookie_of(data: bytes) -> str:
    """Return the ``Cookie`` header of one plain request that is completely in `data`, or an empty string.

    The check is stricter than a parser needs to be, because nothing may remain for the next request: no line ends with
    a bare LF, and nothing follows the head.

    Spec: RFC 9112 §2.2, §6.3: a request without Content-Length and Transfer-Encoding ends with its head.
    """
    if len(data) > _MAX_LENGTH or data.count(b"\n") != data.count(b"\r\n"):
        return ""
    cookie = _NEXT.search(data)
    if cookie is None or cookie[1] is None:
        return ""
    end = _NEXT.search(data, cookie.end())
    if end is None or end[0] != b"\r\n\r\n" or end.end() != len(data):
        return ""
    return cookie[1].strip(b" \t").decode("latin-1")
