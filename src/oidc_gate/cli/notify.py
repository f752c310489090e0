"""Reports the state of ``oidc-gate serve`` to systemd, with the protocol of sd_notify(3), for ``Type=notify``."""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> None:
    """Send lines to systemd if it has started this process and expects notifications.

    Args:
        lines: Assignments, such as ``READY=1``. A value has no line breaks.

    Spec: sd_notify(3).
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    # A name that begins with "@" is one in the abstract namespace.
    path = "\0" + address[1:] if address[0] == "@" else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect(path)
            sender.sendall("\n".join(lines).encode())
        except OSError:
            return  # the service runs as well without it
