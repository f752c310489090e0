"""WebSocket handshakes over raw sockets, a session without a provider, and gates to ask about them."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple

from oidc_gate import wsgi
from oidc_gate.model import Identity
from oidc_gate.settings import Settings
from oidc_gate.testing.gate_session import TestSession
from tests.real.behind_nginx import gate_environment
from tests.real.ports import free_port
from tests.real.process import Server, running
from tests.real.servers import serving

OWN, EVIL = "https://app.example.com", "https://evil.example"
KEY = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade"} | KEY

_FASTAPI = "tests.real.mounted_fastapi:app"
GATES: dict[str, tuple[str, ...]] = {
    "serve": ("uvicorn",),
    "serve granian": ("granian",),
    "fastapi on uvicorn": ("uvicorn", _FASTAPI),
    "fastapi on uvicorn wsproto": ("uvicorn-wsproto", _FASTAPI),
    "fastapi on granian": ("granian-asgi", _FASTAPI),
    "fastapi on hypercorn": ("hypercorn", _FASTAPI),
    "fastapi on hypercorn trio": ("hypercorn-trio", _FASTAPI),
    "flask on gunicorn": ("gunicorn-gthread", "tests.real.mounted_flask:app"),
    "flask on waitress": ("waitress", "tests.real.mounted_flask:app"),
}
"""The endpoints alone: by the command, and mounted; on every server that they are documented with."""


def environment(**settings: str) -> dict[str, str]:
    """Return the variables of a gate whose provider nobody asks."""
    return gate_environment("http://127.0.0.1:9", OWN, **settings)


def session_for(env: Mapping[str, str]) -> str:
    """Return the ``Cookie`` header of a user signed in at the gate with these variables."""
    gate = wsgi.OIDCGate(lambda environ, start_response: [], Settings.load(environ=env))
    return TestSession(
        gate, Identity("", "alice", email="alice@example.com", session_id=secrets.token_hex(8)), ""
    ).add_to("")


@contextmanager
def gate(kind: str, *, directory: Path, env: Mapping[str, str]) -> Iterator[Server]:
    """Run one of `GATES`."""
    server, *module = GATES[kind]
    if module:
        with serving(
            server, module[0], directory=directory, env=env, ready_path="/oauth2/ping"
        ) as running_gate:
            yield running_gate
        return
    port = free_port()
    argv = [sys.executable, "-m", "oidc_gate.cli", "serve", "--port", str(port), "--server", server]
    with running(
        "serve", argv, port=port, directory=directory, env=env, ready_path="/oauth2/ping"
    ) as running_gate:
        yield running_gate


class Answered(NamedTuple):
    """Status 0: the connection was closed without an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One connection, on which requests are sent as they stand."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def ask(self, path: str, headers: Mapping[str, str]) -> Answered:
        head = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        try:
            self._socket.sendall("\r\n".join(head).encode("latin-1"))
            response = HTTPResponse(self._socket)
            response.begin()
            body = b"" if response.status == 101 else response.read()
        except (OSError, HTTPException):
            return Answered(0, {}, b"")
        return Answered(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()


def ask(port: int, path: str, headers: Mapping[str, str]) -> Answered:
    """Send one request on a connection of its own."""
    with Connection(port) as connection:
        return connection.ask(path, {"Host": "app.example.com"} | dict(headers))
