"""The body of a WSGI request: limited in size and, as far as the server allows it, in time.

A read from ``wsgi.input`` waits for the client, and PEP 3333 offers no way to end it. With servers that read from the
socket in the thread of the request, the socket can be found. When the time is over, it is shut down for reading. This
ends the read, and the response can still be sent. (If the server itself speaks TLS, the connection ends.)
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..runtime.threads import ServerThreads
from .common import MAX_BODY_SECONDS, MAX_DRAIN_BYTES, MAX_DRAIN_SECONDS, body_timeout

Environ = dict[str, Any]

# The time limit for a body while few threads of the server are left.
HURRY_SECONDS = 0.5
_PIECE_BYTES = 64 * 1024
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")
# granian's input cannot be interrupted, and granian itself reads what an application leaves unread.
_UNREADABLE = ("granian",)


def read_body(environ: Environ, limit: int, threads: ServerThreads) -> bytes:
    """Return the body, at most `limit` + 1 bytes of it.

    Args:
        threads: The threads of the server. While few are left, the time limit is shorter.

    Raises:
        GateError: ``body_timeout``: the body did not arrive in time.
        OSError: The client has closed the connection.
    """
    with threads.holding() as is_free:
        watch = _Watch(environ, MAX_BODY_SECONDS if is_free else HURRY_SECONDS)
        with watch.running():
            body = b"".join(_pieces(environ, limit + 1, watch))
    if watch.is_over:
        raise body_timeout()
    return body


def drain_body(environ: Environ, threads: ServerThreads) -> None:
    """Read the body and drop it, so that the client reads the response: up to 1 MiB, for 2 seconds at most.

    While few threads of the server are left, the body stays unread.
    """
    if type(environ.get("wsgi.input")).__module__.partition(".")[0] in _UNREADABLE:
        return
    with threads.holding() as is_free:
        watch = _Watch(environ, MAX_DRAIN_SECONDS)
        if is_free:
            # OSError: the client has closed the connection.
            with suppress(OSError), watch.running():
                for _ in _pieces(environ, MAX_DRAIN_BYTES, watch):
                    pass


def _pieces(environ: Environ, size: int, watch: _Watch) -> Iterator[bytes]:
    """Yield the body in chunks, at most `size` bytes in total.

    It is limited by its declared length. A chunked body is read only if the server marks its end.
    """
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared.isascii() and declared.isdigit():
        size = min(int(declared[:18]), size)
    elif not environ.get("wsgi.input_terminated"):
        return
    stream = environ.get("wsgi.input")
    while size > 0 and stream is not None and not watch.is_over:
        piece = stream.read(min(size, _PIECE_BYTES))
        if not piece:
            return
        yield piece
        size -= len(piece)


class _Watch:
    """The time limit of a body."""

    def __init__(self, environ: Environ, seconds: float) -> None:
        self._socket = _socket_of(environ)
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._is_done = self._is_late = False

    @property
    def is_over(self) -> bool:
        """Return whether the time was over before the body was. Once it is true, it stays true."""
        if not self._is_done and time.monotonic() >= self._until:
            self._is_late = True
        return self._is_late

    @contextmanager
    def running(self) -> Iterator[None]:
        """Shut the socket down for reading if the block takes too long; without a socket, only `is_over` says so."""
        if self._socket is None:
            yield
            return
        timer = threading.Timer(self._seconds, self._shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            with self._lock:
                self._is_done = True
            timer.cancel()

    def _shut_down(self) -> None:
        with self._lock:
            if self._is_done:
                return
            self._is_late = True
            # Not `ssl.SSLSocket.shutdown`, which would remove TLS, so that the response would be sent in plain text.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RD)


def _socket_of(environ: Environ) -> Any:
    """Return the socket that ``wsgi.input`` reads from in this thread, or None."""
    for name in _SOCKETS:
        if name in environ:
            return environ[name]
    # wsgiref and servers that are built on socketserver read from a file around the socket.
    return getattr(getattr(environ.get("wsgi.input"), "raw", None), "_sock", None)
