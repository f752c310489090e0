"""An application that asks for a sign-in by its own 401, in the ways in which WSGI applications start a response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from oidc_gate import wsgi as gate_wsgi
from tests.real.header_echo import STRIPS


class _Late:
    """An iterable that starts its response when it is iterated."""

    def __init__(self, start: Any) -> None:
        self._start = start

    def __iter__(self) -> Iterator[bytes]:
        self._start()
        yield b"from the application"

    def close(self) -> None:
        """Granian calls it."""


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer 401 below /own, and 200 elsewhere: at once with a list or a generator, or late."""

    def start() -> None:
        status = "401 Unauthorized" if "/own/" in environ["PATH_INFO"] else "200 OK"
        start_response(status, [("Content-Type", "text/plain")])

    if environ["PATH_INFO"].endswith("/late"):
        return _Late(start)
    start()
    pieces = [b"from the application"]
    return pieces if environ["PATH_INFO"].endswith("/list") else (piece for piece in pieces)


wsgi = gate_wsgi.OIDCGate(application, replace(STRIPS, public_paths=("/own/*", "/fine/*")))
