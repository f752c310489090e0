"""A worker of ``oidc-gate serve`` with uvicorn: it serves on sockets that its parent has opened."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator, Sequence

import uvicorn

from ..asgi import AuthBackend
from ..settings import Settings
from .supervisor import Pipes
from .verdicts import VerdictProtocol

_ACCEPT_SECONDS = 0.05


class _Server(uvicorn.Server):
    """uvicorn's server, which ends after SIGTERM, or if its parent has ended."""

    def __init__(self, config: uvicorn.Config, pipes: Pipes) -> None:
        super().__init__(config)
        self._pipes = pipes

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signals here. `startup` installs the handler of SIGTERM."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and notify the parent."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end)
        loop.add_reader(self._pipes.parent, self._end)
        await super().startup(sockets)
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipes.ready, b"1")

    def _end(self) -> None:
        self.should_exit = True
        asyncio.get_running_loop().remove_reader(self._pipes.parent)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, and end those that are open as soon as their requests are answered."""
        for server in self.servers:
            server.close()
        # A connection that was accepted already is known to uvicorn only after its protocol was created.
        await asyncio.sleep(_ACCEPT_SECONDS)
        await super().shutdown(sockets)


def serve(settings: Settings, listeners: Sequence[socket.socket], pipes: Pipes, *, grace_seconds: int) -> int:
    """Serve until SIGTERM.

    Args:
        settings: The settings of the gate.
        listeners: The sockets to accept connections on.
        pipes: The pipes to the parent.
        grace_seconds: The time limit, after SIGTERM, for requests that are being answered.

    Returns:
        The exit status.
    """
    config = uvicorn.Config(
        AuthBackend(settings),
        http=VerdictProtocol,
        # By default uvicorn trusts loopback peers. Here only `trusted_proxies` decides which peers are trusted.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        access_log=False,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=grace_seconds,
    )
    _Server(config, pipes).run(list(listeners))
    return 0
