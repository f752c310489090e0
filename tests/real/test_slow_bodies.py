"""Clients that announce a body and do not send it: they hold no thread for long, and no page waits for them.

oidc_gate, 2026-11. Four stalled uploads, passed on by Nginx with ``proxy_request_buffering off``, held the four threads
of a WSGI server for as long as their clients wished.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.real.nginx import nginx
from tests.real.test_slow_provider import Place, site

PATIENCE_SECONDS = 30.0
STREAMING = ["gunicorn-gthread", "gunicorn-gevent", "granian-wsgi", "werkzeug"]
LOOPS = ["uvicorn", "granian-asgi", "hypercorn", "hypercorn-trio"]
UNBUFFERED = """
server {
    listen 80;
    client_max_body_size 10m;
    location / {
        proxy_pass http://127.0.0.1:8080;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_request_buffering off;
    }
}
"""


@contextmanager
def stalled(port: int, host: str, path: str, number: int = 4) -> Iterator[list[socket.socket]]:
    """Announce bodies of 900 kB, send the first kilobyte, and wait."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    head += "Content-Length: 900000\r\n\r\n"
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(number)]
        for client in clients:
            client.settimeout(PATIENCE_SECONDS)
            client.sendall(head.encode() + b"x" * 1000)
        yield clients


def status(client: socket.socket) -> int:
    line = client.recv(4096).partition(b"\r\n")[0]
    return int(line.split()[1])


def assert_pages_are_served(place: Place, front: int, path: str, expected: int) -> None:
    person = place.browser()
    assert person.sign_in() == ""
    with stalled(front, f"localhost:{place.port}", path) as clients, ThreadPoolExecutor(4) as pool:
        time.sleep(0.2)
        assert person.open("/page").status == 200
        assert [*pool.map(status, clients)] == [expected] * 4
        assert person.open("/page").status == 200


@pytest.mark.parametrize("kind", STREAMING + LOOPS)
def test_uploads_that_stall_are_refused_and_pages_are_served(kind: str, tmp_path: Path) -> None:
    with site(kind, tmp_path) as place:
        assert_pages_are_served(place, place.port, "/upload", 401)


def test_so_it_is_behind_nginx_without_its_buffer(tmp_path: Path) -> None:
    directory = tmp_path / "nginx"
    directory.mkdir()
    with (
        site("gunicorn-gthread", tmp_path) as place,
        nginx(UNBUFFERED, directory=directory, upstreams={8080: place.port}) as front,
    ):
        assert_pages_are_served(place, front.server.port, "/upload", 401)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gunicorn-gthread", "uvicorn"])
@pytest.mark.parametrize("endpoint", ["sign_out", "backchannel_logout"])
def test_so_are_forms_for_the_endpoints(kind: str, endpoint: str, tmp_path: Path) -> None:
    expected = 408 if endpoint == "sign_out" else 400
    with site(kind, tmp_path, insecure_single_process_revocation="true") as place:
        assert_pages_are_served(place, place.port, f"/oauth2/{endpoint}", expected)
