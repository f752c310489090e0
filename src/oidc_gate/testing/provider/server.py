"""A small HTTP/1.1 server on loopback, with threads and kept-alive connections."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from oidc_gate.testing.provider.messages import Received, Reply, read_pairs

_BODY_LIMIT = 1 << 20
Application = Callable[[Received], Reply]


class LoopbackServer:
    """Serves one application on 127.0.0.1 in a thread.

    Args:
        port: The port; 0 chooses any free port.
    """

    def __init__(self, application: Application, port: int = 0) -> None:
        self._ending = threading.Event()
        members = {"application": staticmethod(application), "ending": self._ending}
        handler = type("Handler", (_Handler,), members)
        self._http = _Server(("127.0.0.1", port), handler)
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            kwargs={"poll_interval": 0.01},
            daemon=True,
            name=f"oidc-gate-test-provider-{self.port}",
        )

    def start(self) -> None:
        """Start to answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and close every connection, including those that hang."""
        self._ending.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.close_connections()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # HTTPServer's own method looks up the name of the host in DNS, which can take seconds.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors: a client that closed the connection is normal here."""

    def close_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    application: ClassVar[Application]
    ending: ClassVar[threading.Event]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: requests contain codes and secrets, and `TestProvider.requests` has them."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= _BODY_LIMIT or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return self._write(Reply(413))
        path, _, query = self.path.partition("?")
        received = Received(
            self.command, path, read_pairs(query),
            {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length),
        )  # fmt: skip
        self._write(type(self).application(received))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer

    def _write(self, reply: Reply) -> None:
        self.close_connection = self.close_connection or reply.pace is not None
        head = [
            f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
            f"Content-Type: {reply.content_type}",
        ]
        head += [f"{name}: {value}" for name, value in reply.headers]
        head += [
            f"Content-Length: {len(reply.body)}",
            *(["Connection: close"] if self.close_connection else []),
        ]
        body = b"" if self.command == "HEAD" else reply.body
        raw = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"
        if reply.pace is not None:
            reply.pace(self._send, self.ending.wait, raw + body)
        else:
            self._send(raw + body)

    def _send(self, chunk: bytes) -> None:
        self.wfile.write(chunk)
        self.wfile.flush()
