"""Nginx in front: one server for each contestant, with the auth location of docs/nginx."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.backend import Backend
from tests.real.ports import free_port
from tests.real.process import running

_MAIN = """\
daemon off;
{user}
worker_processes 2;
worker_rlimit_nofile 16384;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 100000000;
    keepalive_timeout 120s;
    large_client_header_buffers 8 32k;
    client_body_temp_path {directory}/tmp-body;
    proxy_temp_path {directory}/tmp-proxy;
    fastcgi_temp_path {directory}/tmp-fastcgi;
    uwsgi_temp_path {directory}/tmp-uwsgi;
    scgi_temp_path {directory}/tmp-scgi;
    map $request $oidc_method {{
        "~^(?<oidc_verb>[A-Z]+) "  $oidc_verb;
        default                    "";
    }}
    server {{
        listen 127.0.0.1:{open_port} backlog=8192;
        root {directory}/www;
    }}
    server {{
        listen 127.0.0.1:{stub_port} backlog=8192;
        location / {{ return 202; }}
    }}
{servers}
}}
"""
_SERVER = """\
    upstream backend{number} {{
        server 127.0.0.1:{backend_port};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        root {directory}/www;
        location / {{
            auth_request /_auth;
            auth_request_set $oidc_user   $upstream_http_x_auth_request_user;
            auth_request_set $oidc_email  $upstream_http_x_auth_request_email;
        }}
        location = /_auth {{
            internal;
            proxy_pass http://backend{number}{auth_path};
            proxy_pass_request_body off;
            proxy_set_header Content-Length           "";
            proxy_http_version 1.1;
            proxy_set_header Connection               "";
            proxy_set_header Host                     $http_host;
            proxy_set_header X-Forwarded-For          $remote_addr;
            proxy_set_header X-Forwarded-Host         $http_host;
            proxy_set_header X-Forwarded-Proto        $scheme;
            proxy_set_header X-Auth-Request-Redirect  $request_uri;
            proxy_set_header X-Auth-Request-Method    $oidc_method;
            proxy_buffer_size 32k;
            proxy_buffers 4 32k;
        }}
    }}
"""


@dataclass(frozen=True)
class Front:
    """The running Nginx.

    Args:
        urls: What to load, by the contestant's name.
    """

    leader: int
    urls: dict[str, str]


OPEN, STUB = "Nginx without auth", "Nginx's own stub"


def program() -> str | None:
    """Return Nginx, or None."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextmanager
def nginx(backends: Sequence[Backend], directory: Path) -> Iterator[Front]:
    """Run Nginx in front of `backends`; `STUB` and `OPEN` are there too."""
    (directory / "www").mkdir(exist_ok=True)
    (directory / "www/page").write_text("hello")
    open_port, stub_port = free_port(), free_port()
    everybody = [*backends, Backend(STUB, stub_port, "/", 0)]
    ports = {backend.name: free_port() for backend in everybody}
    servers = "".join(
        _SERVER.format(
            number=number, port=ports[backend.name], directory=directory, backend_port=backend.port,
            auth_path=backend.auth_path,
        )
        for number, backend in enumerate(everybody)
    )  # fmt: skip
    text = _MAIN.format(
        user="user root;" if os.geteuid() == 0 else "", directory=directory, open_port=open_port,
        stub_port=stub_port, servers=servers,
    )  # fmt: skip
    conf = directory / "nginx.conf"
    conf.write_text(text)
    argv: list[str | Path] = [
        program() or "nginx",
        "-p",
        directory,
        "-c",
        conf,
        "-e",
        directory / "error.log",
    ]
    with running("nginx", argv, port=open_port, directory=directory) as server:
        urls = {name: f"http://127.0.0.1:{port}/page" for name, port in {**ports, OPEN: open_port}.items()}
        yield Front(server.process.pid, urls)
