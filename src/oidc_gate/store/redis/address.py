"""The address of a Redis server, a Sentinel group or a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Address:
    """The address of a Redis server, a Sentinel group or a cluster, and the credentials for it.

    Args:
        kind: ``server``, ``sentinel`` or ``cluster``.
        hosts: Host names or IP addresses with ports: of the server, of the Sentinels, or of some of the cluster's
            nodes.
        socket: The path of a Unix socket, instead of `hosts`.
        service: The name of the master that the Sentinels watch.
        database: The number of the database; 0 in a cluster.
        is_encrypted: Whether to use TLS. The certificate is always verified.
        ca_file: Certificate authorities to trust, instead of the system's; in a cluster, in addition to the system's.
        certificate_file: A client certificate, as PEM.
        key_file: Its private key, as PEM.
    """

    kind: str
    hosts: tuple[tuple[str, int], ...] = ()
    socket: str = ""
    service: str = ""
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)
    is_encrypted: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def __str__(self) -> str:
        hosts = ", ".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts
        )
        match self.kind:
            case "sentinel":
                return f"Redis {self.service!r} of the Sentinels {hosts}, database {self.database}"
            case "cluster":
                return f"the Redis cluster of {hosts}"
            case _:
                return f"Redis at {self.socket or hosts}, database {self.database}"
