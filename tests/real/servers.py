"""The servers that people run Python applications with, each given an import string."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.real.ports import free_port
from tests.real.process import Server, running

Arguments = Callable[[str, int], list[str]]


def _gunicorn(*options: str) -> Arguments:
    return lambda app, port: [
        "gunicorn",
        "--bind",
        f"127.0.0.1:{port}",
        "--graceful-timeout=2",
        *options,
        app,
    ]


def _uvicorn(*options: str) -> Arguments:
    # By default uvicorn believes X-Forwarded-* of loopback peers, which a test must not.
    return lambda app, port: ["uvicorn", f"--port={port}", "--no-proxy-headers", *options, app]


def _granian(interface: str) -> Arguments:
    return lambda app, port: ["granian", "--interface", interface, "--host=127.0.0.1", f"--port={port}", app]


def _hypercorn(*options: str, prefix: str = "") -> Arguments:
    return lambda app, port: ["hypercorn", "--bind", f"127.0.0.1:{port}", *options, prefix + app]


def _plain(kind: str) -> Arguments:
    return lambda app, port: ["tests.real.plain_server", kind, app, str(port)]


# Each is `python -m` with these words.
WSGI_SERVERS: dict[str, Arguments] = {
    "gunicorn-sync": _gunicorn("--worker-class=sync"),
    "gunicorn-dangerous": _gunicorn("--worker-class=gthread", "--header-map=dangerous"),
    "gunicorn-gthread": _gunicorn("--worker-class=gthread", "--threads=4"),
    "gunicorn-gevent": _gunicorn("--worker-class=gevent"),
    "granian-wsgi": _granian("wsgi"),
    "hypercorn-wsgi": _hypercorn(prefix="wsgi:"),
    "waitress": lambda app, port: ["waitress", f"--listen=127.0.0.1:{port}", app],
    "uvicorn-wsgi": _uvicorn("--interface=wsgi"),
    "werkzeug": _plain("werkzeug"),
    "wsgiref": _plain("wsgiref"),
}
ASGI_SERVERS: dict[str, Arguments] = {
    "uvicorn": _uvicorn("--interface=asgi3"),
    "uvicorn-h11": _uvicorn("--interface=asgi3", "--http=h11", "--loop=asyncio"),
    "granian-asgi": _granian("asgi"),
    "hypercorn": _hypercorn(),
    "hypercorn-trio": _hypercorn("--worker-class=trio"),
}
# uvicorn has a second implementation of WebSockets, which only tests of those need.
SERVERS = WSGI_SERVERS | ASGI_SERVERS | {"uvicorn-wsproto": _uvicorn("--interface=asgi3", "--ws=wsproto")}


@contextmanager
def serving(
    kind: str,
    app: str,
    *,
    directory: Path,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
    options: Sequence[str] = (),
    ready_path: str = "/",
) -> Iterator[Server]:
    """Serve an application until the block ends.

    Args:
        kind: a key of `SERVERS`.
        app: an import string, `package.module:name`; the repository is on the path.
        directory: where the log goes.
        env: further environment variables of the server.
        port: on 127.0.0.1; without it, a free one.
        options: further words of the server's command line.
        ready_path: where to ask whether it answers; any status will do.
    """
    port = free_port() if port is None else port
    argv = [sys.executable, "-m", *SERVERS[kind](app, port), *options]
    with running(kind, argv, port=port, directory=directory, env=env, ready_path=ready_path) as server:
        yield server
