"""Free ports on loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Return a port that nobody listens on just now.

    The kernel hands out ephemeral ports in a scattered order, so that two tests that ask at the same
    time do not get the same one in practice.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers_tcp(port: int, *, timeout_seconds: float = 1) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=timeout_seconds).close()
    except OSError:
        return False
    return True
