"""Clients of redis-py for one address: a server, a Sentinel group or a cluster."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

from ..time_limit import seconds_left
from .address import Address

Client = Any
"""redis-py has a class for each kind of server. Their methods that are used here, `execute_command` and `pipeline`,
have no types."""


def connect(address: Address, answer_seconds: float) -> Client:
    """Return a new client. Only the client of a cluster opens a connection before it is used.

    Except for a cluster, whose client makes its connections itself, a connection never waits longer than the caller
    has time (`oidc_gate.store.time_limit`).

    Args:
        address: The address of Redis.
        answer_seconds: The limit for connecting, and for each answer.
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
            "socket_timeout": answer_seconds / 3,
            "socket_connect_timeout": answer_seconds / 3,
            "retry": never,
        }
        sentinel = Sentinel(list(address.hosts), sentinel_kwargs=given | their_own | quick)
        kind = (
            _encrypted(SentinelManagedSSLConnection, address)
            if address.is_encrypted
            else SentinelManagedConnection
        )
        given["connection_class"] = _limited(kind)
        return sentinel.master_for(address.service, db=address.database, retry=never, **given)
    if address.socket:
        where: dict[str, Any] = {"path": address.socket}
        kind = UnixDomainSocketConnection
    else:
        where = dict(zip(("host", "port"), *address.hosts, strict=True))
        given.pop("ssl", None)
        kind = _encrypted(SSLConnection, address) if address.is_encrypted else Connection
    where["connection_class"] = _limited(kind)
    return redis.Redis.from_pool(ConnectionPool(db=address.database, retry=never, **where, **given))


def _limited(base: type[Any]) -> type[Any]:
    """Return a class of connections that wait only until the limit of the calling thread.

    redis-py has one timeout for all answers of a connection. With it alone, a call could not be begun unless its time
    suffices for the slowest answer: on a Redis that answers in 200 ms, a third of the time of a request was lost.
    """

    class Limited(base):  # type: ignore[misc]
        socket_timeout: float
        socket_connect_timeout: float

        def connect(self) -> None:
            whole = self.socket_connect_timeout
            self.socket_connect_timeout = _seconds_left(whole)
            try:
                super().connect()
            finally:
                self.socket_connect_timeout = whole

        def read_response(self, *args: Any, **options: Any) -> Any:
            seconds = _seconds_left(self.socket_timeout)
            if self._sock is None or seconds >= self.socket_timeout:
                return super().read_response(*args, **options)
            self._sock.settimeout(seconds)
            try:
                return super().read_response(*args, **options)
            finally:
                if self._sock is not None:
                    self._sock.settimeout(self.socket_timeout)

    return Limited


def _seconds_left(seconds: float) -> float:
    """Return how long to wait: `seconds`, or what is left until the limit. A socket takes 0 for "do not block"."""
    return max(min(seconds, seconds_left()), 0.001)


def _encrypted(base: type[Any], address: Address) -> type[Any]:
    """Return a class of connections that share one TLS context.

    redis-py creates a context for each connection, which takes 20 ms, and it trusts the system's authorities even if
    `ca_file` is set.
    """
    context = ssl.create_default_context(cafile=_text(address.ca_file))
    if address.certificate_file:
        context.load_cert_chain(address.certificate_file, address.key_file)

    class Encrypted(base):  # type: ignore[misc]
        def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
            return context.wrap_socket(sock, server_hostname=self.host)

    return Encrypted


def _options(address: Address, answer_seconds: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": answer_seconds,
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
