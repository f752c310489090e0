"""Checks the address of ``oidc-gate serve``, because servers report a wrong one with a traceback or a panic."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

from ..syntax.hosts import is_ip
from .common import CommandError
from .unix_sockets import check_path

_LOOPBACK = "write 127.0.0.1, or 0.0.0.0 for every address of this machine"


def check_address(host: str, port: int, uds: str | None, server: str) -> None:
    """Check that a server can listen there, by binding the address for a moment.

    Args:
        host: The value of ``--host``.
        port: The value of ``--port``.
        uds: The value of ``--uds``, which replaces both.
        server: ``uvicorn`` or ``granian``.

    Raises:
        CommandError: The address cannot be used. The message names the option and says what to write.
    """
    if uds is not None:
        return check_path(Path(uds))
    if server == "granian" and not is_ip(host):
        raise CommandError(f"--host {host}: granian needs an IP address; {_LOOPBACK}")
    for listener in bound_sockets(host, port, shares=server == "granian"):
        listener.close()


def bound_sockets(host: str, port: int, *, shares: bool = False) -> list[socket.socket]:
    """Return a bound socket for each address of `host`.

    Args:
        host: A name or an address.
        port: The port.
        shares: Whether other processes may bind the same port, as the workers of granian do.

    Raises:
        CommandError: There is no such host, or one of its addresses cannot be bound.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise CommandError(f"--host {host}: there is no such host; {_LOOPBACK}") from None
    bound: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in found:
            listener = socket.socket(family, kind, protocol)
            bound.append(listener)
            _bind(listener, address, shares=shares)
    except OSError as error:
        for listener in bound:
            listener.close()
        raise CommandError(_refusal(host, port, error)) from None
    return bound


def _bind(listener: socket.socket, address: tuple[Any, ...], *, shares: bool) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shares:  # as granian does, so that several processes can share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(address)


def _refusal(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"--port {port}: another process listens there; end it, or choose another port"
        case errno.EACCES:
            return f"--port {port}: this user may not listen below 1024; choose a higher port, such as 4180"
        case errno.EADDRNOTAVAIL:
            return f"--host {host}: this machine does not have that address; {_LOOPBACK}"
    return f"cannot listen on {host}, port {port}: {error.strerror}"
