"""``oidc-gate serve`` with the server granian, which starts its workers by itself."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from ..asgi import AuthBackend
from ..settings import Settings
from .bounds import HEAD_SECONDS, MAX_HEAD_BYTES
from .logs import LOG_FORMAT, set_up_logging
from .reload import SettingsLoader
from .unix_sockets import remove_stale

APPLICATION = "oidc_gate.cli.granian_server:application"
LOG_LEVEL = "_OIDC_GATE_LOG_LEVEL"
"""The environment variable that passes the log level on to workers, which are spawned."""


def application() -> AuthBackend:
    """Return the application of a worker. granian calls this function in each of its processes.

    A worker that is spawned inherits only the environment of its parent, so each worker sets up its own log.
    """
    set_up_logging(os.environ.get(LOG_LEVEL, "info"), os.environ.get(LOG_FORMAT, "text"))
    return AuthBackend()


class _Server(Server):  # type: ignore[misc, valid-type]
    """granian's server, which replaces its workers only if the new settings can work."""

    def __init__(self, loader: SettingsLoader, settings: Settings, **keywords: Any) -> None:
        super().__init__(APPLICATION, **keywords)
        self._loader, self._settings = loader, settings

    def _init_shared_socket(self) -> None:
        """Open the socket with its permissions, because changing them afterwards would be too late."""
        before = os.umask(0o777 & ~(self.uds_permissions or 0o777))
        try:
            super()._init_shared_socket()
        finally:
            os.umask(before)

    def signal_handler_reload(self, *args: Any, **keywords: Any) -> None:
        """Replace the workers, if the new settings can work."""
        settings = self._loader.reload()
        self._settings = settings or self._settings
        self._loader.on_ready(self._settings)
        if settings is not None:
            super().signal_handler_reload(*args, **keywords)


def serve(options: argparse.Namespace, loader: SettingsLoader, settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status."""
    os.environ[LOG_LEVEL], os.environ[LOG_FORMAT] = options.log_level, options.log_format
    if options.config is not None:
        os.environ["OIDC_GATE_CONFIG"] = options.config
    path = Path(options.uds) if options.uds else None
    if path is not None:
        remove_stale(path)
    server = _Server(
        loader,
        settings,
        factory=True,
        address=options.host,
        port=options.port,
        uds=path,
        uds_permissions=options.uds_mode if path else None,
        workers=options.workers,
        workers_kill_timeout=options.graceful_timeout,
        respawn_failed_workers=True,
        interface=Interfaces.ASGI,
        # Only HTTP/1.1: HTTP/2 has other limits. If a connection may be either, granian waits for its first byte
        # without a time limit.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(HEAD_SECONDS * 1000), max_buffer_size=MAX_HEAD_BYTES
        ),
        websockets=False,
        log_access=False,
    )
    server.on_startup(lambda: loader.on_ready(settings))
    server.serve()
    return 0
