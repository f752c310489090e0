"""uvicorn's HTTP protocol with limits for each connection to ``oidc-gate serve``.

uvicorn leaves such limits to the proxy in front of it. But a backend of ``auth_request`` can often be reached without
its proxy, from another container or by another user of the machine, and all requests of a site wait for its answers.
Therefore this protocol

- refuses a head that is too large (431), and a head or a body that is sent too slowly (408);
- parses one request at a time. Until it is answered, the protocol holds what the client has already sent, and reads
  nothing more;
- reads nothing while the client does not read its answers, and closes the connection if that lasts too long;
- refuses a request that has no ``Host`` or more than one (400), as RFC 9112 §3.2 requires.
"""

from __future__ import annotations

import logging
import resource
from asyncio import BaseTransport, TimerHandle, Transport
from http import HTTPStatus
from math import inf
from time import monotonic
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger("oidc_gate")

MAX_HEAD_BYTES = 65_536  # Apache 8 KiB for a line, node 16 KiB for all, Nginx 32 KiB, uvicorn with h11 64 KiB
MAX_HEADERS = 100  # as Apache, gunicorn and hyper
MAX_HELD_BYTES = 65_536
HEAD_SECONDS = 10.0  # Apache 20, granian 30, Nginx and node 60: clients on the internet, not a proxy
BODY_SECONDS = 10.0  # the largest body that an endpoint reads has 96 KiB
UNREAD_SECONDS = 10.0
LAST_SECONDS = 1.0
_BODY_PIECE = 4096
_WARNING_SECONDS = 60.0

_warned_at: dict[str, float] = {}


class HoldingFlow(FlowControl):
    """uvicorn's flow control, which does not resume reading while the protocol holds requests back."""

    is_holding = False

    def resume_reading(self) -> None:
        """Continue to read, unless requests are held back."""
        if not self.is_holding:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection to ``oidc-gate serve``."""

    flow: HoldingFlow

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = b""  # received, but not passed to the parser yet
        self._is_in_body = self._is_last = False
        # In a head: its bytes so far. In a body: the bytes that do not belong to its content (chunk sizes, trailers).
        self._size = 0
        self._timed = "head"  # or "body", if the deadline is for the rest of that part; otherwise empty
        self._deadline = self._timer_at = inf
        self._timer: TimerHandle | None = None
        self._unread_timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Start the time limit of the first head."""
        super().connection_made(cast(Transport, transport))
        self.flow = HoldingFlow(self.transport)
        self._limit(HEAD_SECONDS)
        _check_descriptors(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what was held back, and cancel the timers."""
        super().connection_lost(exc)
        self._held = b""
        for timer in (self._timer, self._unread_timer):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """Answer the requests that were sent already, and close the connection, because the server is about to end.

        An idle connection is not closed at once, because the client may have sent a request that has not been read
        yet. It stays open for a moment, and the next answer says that it is the last one.
        """
        self._is_last = True
        if self.is_answering():
            self.cycle.keep_alive = False
        elif not self._size:
            self._limit(LAST_SECONDS)

    def pause_writing(self) -> None:
        """Stop reading until the client has read its answers, and close the connection if it does not read them."""
        super().pause_writing()
        self._stop_reading()
        if self._unread_timer is None:
            self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Continue with what was held back."""
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        if self._is_in_body or not self.is_answering():
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Pass `data` to the parser, or hold it back."""
        if self._held:
            self._hold(self._held + data)
        else:
            self._feed(data)

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is refused."""
        self._size, self._timed = 0, ""
        names = [name for name, _ in self.headers]
        if len(names) > MAX_HEADERS:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            raise ValueError("too many headers")
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ValueError("not exactly one Host")  # RFC 9112 §3.2
        self.start_request(names)
        self._is_in_body = True
        self.headers = []  # takes the trailer fields, which are not used

    def start_request(self, names: list[bytes]) -> None:
        """Let the application answer.

        Args:
            names: The names of the headers, in lower case and in order.
        """
        super().on_headers_complete()
        if self._is_last:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Count the body: for each of its bytes, one byte of chunk sizes is allowed."""
        self._size -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request, and its time limit."""
        self.end_request()
        super().on_message_complete()
        if self.cycle.response_complete:
            self.stay_open()

    def end_request(self) -> None:
        """Record that the parser is between two requests."""
        self._size, self._timed, self._is_in_body = 0, "", False

    def stay_open(self) -> None:
        """Allow the connection to be idle for uvicorn's limit."""
        self._limit(self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        """Continue with the next request, if it was held back."""
        super().on_response_complete()
        if self.transport.is_closing():
            return self._limit(UNREAD_SECONDS)
        if not self._is_in_body:
            self.stay_open()
        if not self.is_answering():
            self._go_on()

    def is_answering(self) -> bool:
        """Return whether an answer is outstanding."""
        return self.cycle is not None and not self.cycle.response_complete

    def _feed(self, data: bytes) -> None:
        """Pass `data` to the parser: one head, or one piece of a body, at a time."""
        self._unset_keepalive_if_required()
        start = 0
        while start < len(data) and not self.transport.is_closing():
            if not self._is_in_body and (self.flow.write_paused or self.is_answering()):
                return self._hold(data[start:])
            end = self._end_of_piece(data, start)
            self._size += end - start
            if self._size > MAX_HEAD_BYTES:
                return self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            try:
                self.parser.feed_data(data if end - start == len(data) else data[start:end])
            except httptools.HttpParserUpgrade as upgrade:
                end = start + upgrade.args[0]  # no protocol is switched, so what follows is HTTP
            except httptools.HttpParserError:
                return self._refuse(HTTPStatus.BAD_REQUEST)
            start = end
        if self._is_in_body or self._size:
            self._time("body" if self._is_in_body else "head")

    def _hold(self, data: bytes) -> None:
        """Keep `data` until the outstanding answers are sent and read."""
        self._stop_reading()
        if len(data) > MAX_HELD_BYTES:
            self._held = b""
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            self._held = data

    def _end_of_piece(self, data: bytes, start: int) -> int:
        if self._is_in_body:
            return min(start + _BODY_PIECE, len(data))
        end = data.find(b"\r\n\r\n", start)
        return len(data) if end < 0 else end + 4

    def _stop_reading(self) -> None:
        self.flow.is_holding = True
        self.flow.pause_reading()

    def _go_on(self) -> None:
        """Pass on what was held back, and read again if nothing is left of it."""
        if self.flow.write_paused or self.transport.is_closing():
            return
        data, self._held = self._held, b""
        self.flow.is_holding = False
        self._feed(data)
        if not self.flow.is_holding:
            self.flow.resume_reading()

    def _time(self, part: str) -> None:
        if self._timed != part:
            self._timed = part
            self._limit(BODY_SECONDS if part == "body" else HEAD_SECONDS)

    def _limit(self, seconds: float) -> None:
        """Set the deadline for the next action of the client. One timer is used for many requests."""
        self._deadline = self.loop.time() + seconds
        if self._deadline < self._timer_at:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._deadline
        self._timer = self.loop.call_at(self._deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, inf
        if self.loop.time() < self._deadline:
            return self._set_timer()
        if self.transport.is_closing():
            self.transport.abort()  # the client does not read the last answer
        elif self._is_in_body or self._size:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif not self.is_answering():
            self.transport.close()
            self._limit(UNREAD_SECONDS)

    def _refuse(self, status: HTTPStatus) -> None:
        """Refuse the current request and close the connection, after the answers that are outstanding."""
        if self.transport.is_closing():
            return
        _warn(_WARNINGS[status], self.client[0] if self.client else "a Unix socket")
        if self.is_answering() and not self._is_in_body:
            self.cycle.keep_alive = False
            return self._stop_reading()
        is_answered = self._is_in_body and self.cycle.response_started
        if self.is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not is_answered and not self.flow.write_paused:
            self.transport.write(_REFUSALS[status])
        self.transport.close()
        self._limit(UNREAD_SECONDS)


def _refusal(status: HTTPStatus) -> bytes:
    body = status.phrase.encode()
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(body)}",
        "connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + body


_WARNINGS = {
    HTTPStatus.BAD_REQUEST: "400: a request from %s is malformed, or has no Host or more than one",
    HTTPStatus.REQUEST_TIMEOUT: f"408: a request from %s was not sent within {HEAD_SECONDS:.0f} seconds",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"431: the head of a request from %s is larger than {MAX_HEAD_BYTES}"
    f" bytes or has more than {MAX_HEADERS} headers, or more than {MAX_HELD_BYTES} bytes were sent ahead of their turn",
}
_REFUSALS = {status: _refusal(status) for status in _WARNINGS}


def _check_descriptors(transport: BaseTransport) -> None:
    """Log a warning if the process has few file descriptors left. A new one is always the lowest free number."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    socket = transport.get_extra_info("socket")
    if socket is None or limit == resource.RLIM_INFINITY:
        return
    if socket.fileno() >= limit - max(limit // 20, 4):
        _warn(
            "file descriptors run out: %d of at most %d are open, and without one no connection is accepted. Fix:"
            " raise the limit of open files (LimitNOFILE= in systemd, ulimit -n in a shell)",
            socket.fileno() + 1,
            limit,
        )


def _warn(message: str, *arguments: object) -> None:
    """Log a warning, but each one at most once a minute, because clients can cause any number of them."""
    now = monotonic()
    if now - _warned_at.get(message, -inf) >= _WARNING_SECONDS:
        _warned_at[message] = now
        log.warning(message, *arguments)
