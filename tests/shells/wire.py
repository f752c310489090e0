"""A loopback socket that hands what is posted there to a gate in this process."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from tests.shells.site import Site, Visitor


class Wire:
    """Listens from `open` on, or within a ``with``, until it is closed.

    Attributes:
        site: Whose gate answers.
        bodies: What was posted.
    """

    def __init__(self, site: Site | None = None) -> None:
        self.site, self.bodies = site, list[bytes]()
        wire = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                wire.bodies.append(body)
                headers = {"Content-Type": self.headers["Content-Type"]}
                answer = _visitor(wire.site).open("POST", self.path, headers, body)
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin to listen, once."""
        if self._thread is None:
            serve = self._server.serve_forever
            self._thread = threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Wire:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _visitor(site: Site | None) -> Visitor:
    assert site is not None, "nobody's gate answers yet"
    return site.visitor()
