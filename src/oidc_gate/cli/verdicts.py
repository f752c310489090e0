"""uvicorn's protocol with prepared answers for the most frequent request of Nginx.

Most of the cost of a request for ``/oauth2/auth`` is that of the server, which creates a scope, a task and messages.
Therefore such a request is answered with prepared bytes if it is plain (a ``GET`` without a body, one ``Cookie``
header, a kept-alive connection), and its answer is in the cache. The answer is sent after the parser has accepted the
whole request. All other requests go through uvicorn and the same gate. Both use one cache, so a sign-out applies to
both.
"""

from __future__ import annotations

from typing import Any

from ..asgi import AuthBackend
from ..request.navigation import HANDSHAKE
from .bounds import BoundedProtocol

# Headers of a request with a body, of a connection that is not kept alive, and of a WebSocket handshake, whose Origin
# has to be checked too.
_NOT_PLAIN = frozenset(
    {b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}
    | {name.encode() for name in HANDSHAKE}
)


class VerdictProtocol(BoundedProtocol):
    """The bounded protocol, which answers a plain request whose verdict is known with prepared bytes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        backend: AuthBackend = self.config.loaded_app
        self._verdict = backend.verdict
        self._target = backend.auth_path.encode("ascii")
        self._answer: bytes | None = None

    def shutdown(self) -> None:
        """Send the last answer through the application, because a prepared one does not say that it is the last."""
        super().shutdown()
        self._target = b""

    def start_request(self, names: list[bytes]) -> None:
        """Look up the verdict, or let the application answer."""
        if self.url == self._target and self._is_plain(names):
            cookie = self.headers[names.index(b"cookie")][1]
            self._answer = self._verdict(cookie.decode("latin-1"))
        if self._answer is None:
            super().start_request(names)

    def on_message_complete(self) -> None:
        """Send the verdict, after the parser has accepted the whole request."""
        answer, self._answer = self._answer, None
        if answer is None:
            return super().on_message_complete()
        self.end_request()
        self.transport.write(answer)
        self.server_state.total_requests += 1
        self.stay_open()

    def _is_plain(self, names: list[bytes]) -> bool:
        return (
            names.count(b"cookie") == 1
            and _NOT_PLAIN.isdisjoint(names)
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and not self.is_answering()  # an answer must not overtake the one before it
        )
