"""Serve only /oauth2/..., as the backend for Nginx's auth_request and other proxies.

The settings come from OIDC_GATE_* variables and from the file that --config or OIDC_GATE_CONFIG names.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..asgi import AuthBackend
from .address import check_address
from .common import count, needing_extra, served_port
from .logs import LOG_FORMAT, add_log_format, set_up_logging

EXAMPLES = """
oidc-gate serve --config gate.toml
oidc-gate serve --port 4180 --workers 2
oidc-gate serve --uds /run/oidc-gate/socket
"""
APPLICATION = "oidc_gate.cli.serve:application"
LOG_LEVEL = "_OIDC_GATE_LOG_LEVEL"
"""The environment variable that passes the log level on to worker processes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the address, the number of processes, and the server."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=served_port, default=4180, help="port to listen on (4180)")
    parser.add_argument("--uds", metavar="PATH", help="listen on a Unix socket instead")
    parser.add_argument("--workers", type=count, default=1, help="number of processes (1)")
    parser.add_argument("--server", choices=("uvicorn", "granian"), default="uvicorn", help="(uvicorn)")
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info", help="(info)"
    )
    add_log_format(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted. Settings and addresses that cannot work are reported before the server starts."""
    set_up_logging(options.log_level, options.log_format)
    with needing_extra("serve", "uvicorn", "httptools", "granian"):
        serve = _granian(options) if options.server == "granian" else _uvicorn(options)
    check_address(options.host, options.port, options.uds, options.server)
    if options.config is not None:
        os.environ["OIDC_GATE_CONFIG"] = options.config  # for the workers too
    AuthBackend()
    os.environ[LOG_LEVEL], os.environ[LOG_FORMAT] = options.log_level, options.log_format
    serve()
    return 0


def application() -> AuthBackend:
    """Return the application of one worker. Servers call this function in each of their processes.

    A worker that is spawned inherits only the environment of its parent, so each worker sets up its own log.
    """
    set_up_logging(os.environ.get(LOG_LEVEL, "info"), os.environ.get(LOG_FORMAT, "text"))
    return AuthBackend()


def _uvicorn(options: argparse.Namespace) -> Callable[[], None]:
    import uvicorn

    from .verdicts import VerdictProtocol

    return partial(
        uvicorn.run,
        APPLICATION,
        factory=True,
        http=VerdictProtocol,
        host=options.host,
        port=options.port,
        uds=options.uds,
        workers=options.workers,
        # By default uvicorn trusts loopback peers. Here only `trusted_proxies` decides which peers are trusted.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        access_log=False,
        log_level="warning",
        ws="none",
    )


def _granian(options: argparse.Namespace) -> Callable[[], None]:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server import Server

    from .bounds import HEAD_SECONDS, MAX_HEAD_BYTES

    # Only HTTP/1.1: HTTP/2 has other bounds, and as long as a connection may become either, granian waits for its
    # first byte without a time limit.
    bounds = HTTP1Settings(header_read_timeout=int(HEAD_SECONDS * 1000), max_buffer_size=MAX_HEAD_BYTES)
    server = Server(
        APPLICATION,
        factory=True,
        address=options.host,
        port=options.port,
        uds=Path(options.uds) if options.uds else None,
        workers=options.workers,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=bounds,
        websockets=False,
        log_access=False,
    )
    return server.serve
