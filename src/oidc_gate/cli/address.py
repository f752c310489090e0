"""Checks the address of ``oidc-gate serve``, because servers report a wrong one with a traceback or a panic."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

from ..syntax.hosts import is_ip
from .common import CommandError

_LOOPBACK = "write 127.0.0.1, or 0.0.0.0 for every address of this machine"


def check_address(host: str, port: int, uds: str | None, server: str) -> None:
    """Check that a server can listen there, by binding the address for a moment.

    Args:
        host: The value of ``--host``.
        port: The value of ``--port``.
        uds: The value of ``--uds``, which replaces both.
        server: ``uvicorn`` or ``granian``.

    Raises:
        CommandError: It cannot. The message names the option and says what to write.
    """
    if uds is not None:
        return _check_directory(Path(uds))
    if server == "granian" and not is_ip(host):
        raise CommandError(f"--host {host}: granian needs an IP address; {_LOOPBACK}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise CommandError(f"--host {host}: there is no such host; {_LOOPBACK}") from None
    for family, kind, protocol, _, address in found:
        try:
            _bind(socket.socket(family, kind, protocol), address, shares=server == "granian")
        except OSError as error:
            raise CommandError(_refusal(host, port, error)) from None


def _bind(listener: socket.socket, address: tuple[Any, ...], *, shares: bool) -> None:
    with listener:
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


def _check_directory(path: Path) -> None:
    directory = path.parent
    if not directory.is_dir():
        raise CommandError(f"--uds {path}: there is no directory {directory}; create it first")
    if path.exists() and not path.is_socket():
        raise CommandError(f"--uds {path}: this is a file and not a socket; choose another path")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise CommandError(f"--uds {path}: this user may not create a file in {directory}")
