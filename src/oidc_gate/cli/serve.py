"""Serve only /oauth2/..., as the backend for Nginx's auth_request and other proxies.

The settings come from OIDC_GATE_* variables and from the file that --config or OIDC_GATE_CONFIG names.

SIGTERM and Ctrl-C end the server after the requests that it is answering. SIGHUP reads the files again: the TOML file,
and the files with secrets. If the new settings cannot work, the log says why, and the old ones stay in use.
"""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ..settings import Settings
from .address import bound_sockets, check_address
from .common import count, needing_extra, served_port
from .logs import add_log_format, set_up_logging
from .notify import notify
from .reload import SettingsLoader
from .supervisor import Pipes, Supervisor
from .unix_sockets import BACKLOG, DEFAULT_MODE, mode, unix_listener

EXAMPLES = """
oidc-gate serve --config gate.toml
oidc-gate serve --port 4180 --workers 2
oidc-gate serve --uds /run/oidc-gate/socket --uds-mode 660
"""
GRACE_SECONDS = 20
"""The default time for requests that wait for the provider. Kubernetes kills after 30 seconds, systemd after 90."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the address, the number of processes, and the server."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=served_port, default=4180, help="port to listen on (4180)")
    parser.add_argument("--uds", metavar="PATH", help="listen on a Unix socket instead")
    parser.add_argument(
        "--uds-mode",
        metavar="MODE",
        type=mode,
        default=DEFAULT_MODE,
        help="permissions of the socket (660: its user and group)",
    )
    parser.add_argument("--workers", type=count, default=1, help="number of processes (1)")
    parser.add_argument(
        "--graceful-timeout",
        metavar="SECONDS",
        type=count,
        default=GRACE_SECONDS,
        help=f"how long requests that are being answered may take at the end ({GRACE_SECONDS})",
    )
    parser.add_argument("--server", choices=("uvicorn", "granian"), default="uvicorn", help="(uvicorn)")
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info", help="(info)"
    )
    add_log_format(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C. Settings and addresses that cannot work are reported before the server starts."""
    set_up_logging(options.log_level, options.log_format)
    with needing_extra("serve", "uvicorn", "httptools", "granian"):
        serve = _granian() if options.server == "granian" else _uvicorn()
    check_address(options.host, options.port, options.uds, options.server)
    loader = SettingsLoader(options.config, _place(options), options.workers)
    return serve(options, loader, loader.load())


Serve = Callable[[argparse.Namespace, SettingsLoader, Settings], int]


def _place(options: argparse.Namespace) -> str:
    if options.uds:
        return f"unix:{options.uds} (mode {options.uds_mode:o})"
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{host}:{options.port}"


def _granian() -> Serve:
    from .granian_server import serve

    return serve


def _uvicorn() -> Serve:
    from .worker import serve as serve_worker

    def serve(options: argparse.Namespace, loader: SettingsLoader, settings: Settings) -> int:
        with ExitStack() as stack:
            listeners = _listeners(options, stack)

            def work(settings: Settings, pipes: Pipes) -> int:
                return serve_worker(settings, listeners, pipes, grace_seconds=options.graceful_timeout)

            supervisor = Supervisor(
                work,
                loader.reload,
                loader.on_ready,
                count=options.workers,
                grace_seconds=options.graceful_timeout,
            )
            try:
                return supervisor.run(settings)
            finally:
                notify("STOPPING=1")

    return serve


def _listeners(options: argparse.Namespace, stack: ExitStack) -> list[socket.socket]:
    if options.uds:
        return [stack.enter_context(unix_listener(Path(options.uds), options.uds_mode))]
    listeners = [stack.enter_context(each) for each in bound_sockets(options.host, options.port)]
    for listener in listeners:
        listener.listen(BACKLOG)  # clients that connect before the first worker serves wait for it
    return listeners
