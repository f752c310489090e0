"""A server behind a proxy on the same machine may listen on a Unix socket: `trusted_proxies = ["unix"]`."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.real.behind_nginx import gate_environment
from tests.real.process import running

UVICORN = ("uvicorn", "--no-proxy-headers", "--uds")
GATE = "tests.real.wrapped:"
SERVERS: dict[str, tuple[str, ...]] = {
    "serve with uvicorn": ("oidc_gate.cli", "serve", "--uds", "SOCKET"),
    "serve with granian": ("oidc_gate.cli", "serve", "--server", "granian", "--uds", "SOCKET"),
    "serve with workers": ("oidc_gate.cli", "serve", "--workers", "2", "--uds", "SOCKET"),
    "uvicorn": (*UVICORN, "SOCKET", f"{GATE}asgi"),
    "uvicorn wsgi": (*UVICORN, "SOCKET", "--interface", "wsgi", f"{GATE}wsgi"),
    "hypercorn": ("hypercorn", "--bind", "unix:SOCKET", f"{GATE}asgi"),
    "granian": ("granian", "--interface", "asgi", "--uds", "SOCKET", f"{GATE}asgi"),
    "granian wsgi": ("granian", "--interface", "wsgi", "--uds", "SOCKET", f"{GATE}wsgi"),
    "gunicorn": ("gunicorn", "--bind", "unix:SOCKET", f"{GATE}wsgi"),
    "gunicorn gthread": ("gunicorn", "-k", "gthread", "--bind", "unix:SOCKET", f"{GATE}wsgi"),
    "gunicorn gevent": ("gunicorn", "-k", "gevent", "--bind", "unix:SOCKET", f"{GATE}wsgi"),
    # By default waitress removes these headers.
    "waitress": ("waitress", "--no-clear-untrusted-proxy-headers", "--unix-socket=SOCKET", f"{GATE}wsgi"),
}
FORWARDED = {"X-Forwarded-Host": "app.example.com", "X-Forwarded-Proto": "https"}


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("internal.example", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(path: Path, target: str, headers: dict[str, str]) -> tuple[int, Any]:
    connection = Connection(path)
    try:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or "{}")
    finally:
        connection.close()


def answers(path: Path) -> bool:
    try:
        ask(path, "/oauth2/userinfo", {})
    except (OSError, http.client.HTTPException):
        return False
    return True


@contextmanager
def listening(kind: str, directory: Path, **settings: str) -> Iterator[Path]:
    path = directory / "s"  # a socket's path has 107 bytes at the most
    argv = [sys.executable, "-m", *(word.replace("SOCKET", str(path)) for word in SERVERS[kind])]
    env = gate_environment("http://localhost:9", **settings)
    del env["OIDC_GATE_PUBLIC_URL"]
    name = kind.replace(" ", "-")
    with running(name, argv, port=0, directory=directory, env=env, is_ready=lambda: answers(path)):
        yield path


@pytest.mark.parametrize("kind", SERVERS)
def test_what_the_proxy_says_counts(kind: str, tmp_path: Path) -> None:
    with listening(kind, tmp_path, trusted_proxies="unix") as path:
        status, problem = ask(path, "/oauth2/userinfo", FORWARDED)
    assert (status, problem["sign_in"]) == (401, "https://app.example.com/oauth2/start")


@pytest.mark.parametrize("kind", SERVERS)
def test_it_does_not_where_only_addresses_are_trusted(kind: str, tmp_path: Path) -> None:
    with listening(kind, tmp_path, trusted_proxies="10.0.0.0/8,127.0.0.1") as path:
        # gunicorn takes X-Forwarded-Proto of a Unix socket for itself.
        status, problem = ask(path, "/oauth2/userinfo", {"X-Forwarded-Host": "app.example.com"})
    assert (status, problem["sign_in"]) == (401, "http://internal.example/oauth2/start")
