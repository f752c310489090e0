"""How connections to each kind of server are made: whom they trust, who they are, and how long they wait."""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.sentinel import SentinelConnectionPool, SentinelManagedConnection, SentinelManagedSSLConnection

from oidc_gate.store.redis import connect as module
from oidc_gate.store.redis.address import Address
from oidc_gate.store.redis.connect import connect
from oidc_gate.store.time_limit import limited_until

HOST = (("h", 7000),)
USUAL = {
    "username": None,
    "password": None,
    "socket_timeout": 0.9,
    "socket_connect_timeout": 0.9,
    "protocol": 2,
    "health_check_interval": 0,
}
WHO: dict[str, Any] = {"username": "u", "password": "hunter2"}
TLS = {
    "ssl_cert_reqs": "required",
    "ssl_check_hostname": True,
    "ssl_ca_certs": "/ca.pem",
    "ssl_certfile": "/c.pem",
    "ssl_keyfile": "/k.pem",
}
FILES: dict[str, Any] = {
    "is_encrypted": True,
    "ca_file": Path("/ca.pem"),
    "certificate_file": Path("/c.pem"),
    "key_file": Path("/k.pem"),
}


class Context:
    """What is asked of a TLS context."""

    def __init__(self) -> None:
        self.chain: list[tuple[Path, Path]] = []
        self.wrapped: list[tuple[object, str]] = []

    def load_cert_chain(self, certificate: Path, key: Path) -> None:
        self.chain.append((certificate, key))

    def wrap_socket(self, sock: object, *, server_hostname: str) -> object:
        self.wrapped.append((sock, server_hostname))
        return sock


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> dict[str | None, Context]:
    """The contexts that are made, by their `cafile`."""
    made: dict[str | None, Context] = {}
    monkeypatch.setattr(ssl, "create_default_context", lambda *, cafile: made.setdefault(cafile, Context()))
    return made


OURS = USUAL | TLS | {"host": "", "port": 0, "db": 0, "path": "", "ssl": True}


def options_of(pool: Any) -> tuple[type, dict[str, Any]]:
    """Return the class and the options of the connections of a pool, and check that they do not retry."""
    options = pool.connection_kwargs
    assert options["retry"]._retries == 0, "the caller retries, and knows its deadline"
    return pool.connection_class, {name: value for name, value in options.items() if name in OURS}


def test_a_server() -> None:
    kind, options = options_of(connect(Address("server", HOST, database=3, **WHO), 0.9).connection_pool)
    assert issubclass(kind, Connection)
    assert not issubclass(kind, SSLConnection)
    assert options == USUAL | WHO | {"host": "h", "port": 7000, "db": 3}


def test_a_socket() -> None:
    kind, options = options_of(connect(Address("server", socket="/r.sock", database=1), 0.9).connection_pool)
    assert issubclass(kind, UnixDomainSocketConnection)
    assert options == USUAL | {"path": "/r.sock", "db": 1}


def test_a_server_with_tls(contexts: dict[str | None, Context]) -> None:
    kind, options = options_of(connect(Address("server", HOST, **FILES), 0.9).connection_pool)
    assert issubclass(kind, SSLConnection)
    assert options == USUAL | TLS | {"host": "h", "port": 7000, "db": 0}
    ((cafile, context),) = contexts.items()
    assert cafile == "/ca.pem"
    assert context.chain == [(Path("/c.pem"), Path("/k.pem"))]
    one: Any = kind(**options)
    assert one._wrap_socket_with_ssl("socket") == "socket"
    assert context.wrapped == [("socket", "h")], "one context for all, and the name of the host is verified"


def test_tls_with_the_authorities_of_the_system(contexts: dict[str | None, Context]) -> None:
    _, options = options_of(connect(Address("server", HOST, is_encrypted=True), 0.9).connection_pool)
    assert options == USUAL | dict.fromkeys(TLS) | {
        **{"ssl_cert_reqs": "required", "ssl_check_hostname": True},
        **{"host": "h", "port": 7000, "db": 0},
    }
    assert [(cafile, context.chain) for cafile, context in contexts.items()] == [(None, [])]


def test_the_context_verifies_certificates_and_names() -> None:
    kind = module._encrypted(SSLConnection, Address("server", HOST, is_encrypted=True))
    (context,) = [
        cell.cell_contents
        for cell in kind._wrap_socket_with_ssl.__closure__
        if isinstance(cell.cell_contents, ssl.SSLContext)
    ]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_sentinels(contexts: dict[str | None, Context], is_encrypted: bool) -> None:
    address = Address(
        "sentinel",
        (("a", 1), ("b", 2)),
        service="main",
        database=2,
        sentinel_username="su",
        sentinel_password="sp",
        **WHO,
        **(FILES if is_encrypted else {}),
    )
    pool = connect(address, 0.9).connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert (pool.service_name, pool.is_master) == ("main", True)
    kind, options = options_of(pool)
    assert issubclass(kind, SentinelManagedSSLConnection if is_encrypted else SentinelManagedConnection)
    assert issubclass(kind, SSLConnection) is is_encrypted
    assert options == USUAL | WHO | {"db": 2} | (TLS if is_encrypted else {})
    quick = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}
    found = [options_of(each.connection_pool)[1] for each in pool.sentinel_manager.sentinels]
    expected = USUAL | quick | {"username": "su", "password": "sp"} | (TLS if is_encrypted else {})
    for each, (host, port) in zip(found, address.hosts, strict=True):
        assert {name: each[name] for name in expected} == pytest.approx(expected)
        assert (each["host"], each["port"]) == (host, port)


def test_sentinels_have_credentials_of_their_own() -> None:
    """What the URL says about the server is not sent to them."""
    pool = connect(Address("sentinel", HOST, service="main", **WHO), 0.9).connection_pool
    (sentinel,) = pool.sentinel_manager.sentinels
    options = sentinel.connection_pool.connection_kwargs
    assert (options["username"], options["password"]) == (None, None)


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_cluster(monkeypatch: pytest.MonkeyPatch, is_encrypted: bool) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(module, "RedisCluster", lambda **options: given.update(options))
    connect(Address("cluster", (("a", 1), ("b", 2)), **WHO, **(FILES if is_encrypted else {})), 0.9)
    assert [(node.host, node.port) for node in given.pop("startup_nodes")] == [("a", 1), ("b", 2)]
    assert given.pop("retry")._retries == 1
    expected = USUAL | WHO | {"reinitialize_steps": 1, "dynamic_startup_nodes": False}
    assert given == expected | (TLS | {"ssl": True} if is_encrypted else {})


def test_how_long_a_connection_waits() -> None:
    assert module._seconds_left(60) == pytest.approx(60, abs=1)
    with limited_until(time.monotonic() + 5):
        assert 3 < module._seconds_left(60) <= 5
        assert module._seconds_left(2) == pytest.approx(2, abs=0.5)
    with limited_until(time.monotonic() - 5):
        assert module._seconds_left(60) == 0.001, "0 would mean: do not block"


class Socket:
    def __init__(self) -> None:
        self.timeouts: list[float] = []

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(round(seconds, 1))


class Plain:
    """A connection of redis-py, as far as its limits matter."""

    def __init__(self) -> None:
        self.socket_timeout, self.socket_connect_timeout = 27.0, 9.0
        self._sock: Socket | None = Socket()
        self.waited: list[float] = []
        self.breaks = False

    def connect(self) -> None:
        self.waited.append(round(self.socket_connect_timeout, 1))
        if self.breaks:
            raise ConnectionResetError

    def read_response(self, *args: Any, **options: Any) -> Any:
        if self.breaks:
            self._sock = None
            raise ConnectionResetError
        return args, options


@pytest.mark.parametrize("breaks", [False, True])
def test_a_connection_waits_no_longer_than_its_caller_and_as_long_as_ever_after_it(breaks: bool) -> None:
    connection: Any = module._limited(Plain)()
    socket = connection._sock
    assert connection.read_response(1, a=2) == ((1,), {"a": 2})
    assert socket.timeouts == []
    connection.connect()
    connection.breaks = breaks
    with limited_until(time.monotonic() + 5):
        for call in (connection.connect, connection.read_response):
            if breaks:
                with pytest.raises(ConnectionResetError):
                    call()
            else:
                call()
    assert connection.waited == [9.0, 5.0]
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (27.0, 9.0)
    assert socket.timeouts == ([5.0] if breaks else [5.0, 27.0])


def test_a_connection_without_a_socket_opens_it_as_ever() -> None:
    connection: Any = module._limited(Plain)()
    connection._sock = None
    with limited_until(time.monotonic() + 5):
        assert connection.read_response(1) == ((1,), {})
