"""Serve only /oauth2/..., as the backend for Nginx's auth_request and other proxies.

The settings come from OIDC_GATE_* variables and from the file that OIDC_GATE_CONFIG names.
"""

from __future__ import annotations

import argparse
import logging

from ..asgi import AuthBackend

APPLICATION = "oidc_gate.cli.serve:application"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the address, the number of processes, and the server."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=4180, help="port to listen on (4180)")
    parser.add_argument("--uds", metavar="PATH", help="listen on a Unix socket instead")
    parser.add_argument("--workers", type=int, default=1, help="number of processes (1)")
    parser.add_argument("--server", choices=("uvicorn", "granian"), default="uvicorn", help="(uvicorn)")
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info", help="(info)"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted. Settings that cannot work are reported before the server listens."""
    AuthBackend()
    set_up_logging(options.log_level)
    if options.server == "granian":
        _serve_with_granian(options)
    else:
        _serve_with_uvicorn(options)
    return 0


def application() -> AuthBackend:
    """Return the application of one worker. Servers call this function in each of their processes."""
    return AuthBackend()


def set_up_logging(level: str) -> None:
    """Send the gate's log to standard error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("oidc_gate").setLevel(level.upper())


def _serve_with_uvicorn(options: argparse.Namespace) -> None:
    import uvicorn

    from .verdicts import VerdictProtocol

    uvicorn.run(
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


def _serve_with_granian(options: argparse.Namespace) -> None:
    from pathlib import Path

    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        APPLICATION,
        factory=True,
        address=options.host,
        port=options.port,
        uds=Path(options.uds) if options.uds else None,
        workers=options.workers,
        interface=Interfaces.ASGI,
        websockets=False,
        log_access=False,
    ).serve()
