"""Clients of redis-py for one address: a server, a Sentinel group or a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from .address import Address

Client = Any
"""redis-py's clients have one type for each kind of server and overloads for asynchronous use; what is called here,
`execute_command` and `pipeline`, is untyped in all of them."""

CONNECT_SECONDS = 0.9
SENTINEL_SECONDS = 0.3


def connect(address: Address, answer_seconds: float) -> Client:
    """Return a new client. Only that of a cluster opens a connection before it is used.

    Args:
        address: Where to.
        answer_seconds: How long to wait for an answer.
    """
    given = _options(address, answer_seconds)
    never = Retry(NoBackoff(), 0)  # `RedisStore` retries, and knows its deadline
    if address.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        return RedisCluster(
            startup_nodes=nodes,
            retry=Retry(NoBackoff(), 1),
            reinitialize_steps=1,
            dynamic_startup_nodes=False,
            **given,
        )
    if address.kind == "sentinel":
        their_own = {
            "username": address.sentinel_username or None,
            "password": address.sentinel_password or None,
        }
        quick = {
            "socket_timeout": SENTINEL_SECONDS,
            "socket_connect_timeout": SENTINEL_SECONDS,
            "retry": never,
        }
        sentinel = Sentinel(list(address.hosts), sentinel_kwargs=given | their_own | quick)
        return sentinel.master_for(address.service, db=address.database, retry=never, **given)
    where: dict[str, Any] = {"unix_socket_path": address.socket} if address.socket else {}
    if not address.socket:
        ((where["host"], where["port"]),) = address.hosts
    return redis.Redis(db=address.database, retry=never, **where, **given)


def _options(address: Address, answer_seconds: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "protocol": 2,
        "health_check_interval": 0,
    }
    if address.is_encrypted:
        options |= {
            "ssl": True,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
            "ssl_ca_certs": _text(address.ca_file),
            "ssl_certfile": _text(address.certificate_file),
            "ssl_keyfile": _text(address.key_file),
        }
    return options


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
