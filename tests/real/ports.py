"""Free ports on loopback."""

from __future__ import annotations

import socket

_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on just now, and that was not returned before in this process.

    The kernel may name a port again as soon as the probe is closed, and who asked first does not listen on it yet.
    Two processes that ask at the same time do not get the same one in practice.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def answers_tcp(port: int, *, timeout_seconds: float = 1) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=timeout_seconds).close()
    except OSError:
        return False
    return True
