"""HTTP connections with one deadline for the whole exchange.

A timeout of ``requests`` applies to each read: a server that sends one byte a second, in the body or in the headers,
never exceeds it. Here every wait, for a name, a connection, a handshake or a byte, is limited to the remaining time of
the exchange. This module is imported with the first exchange, because urllib3 takes long to import.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3.response import BaseHTTPResponse

MAX_IDLE_SECONDS = 20.0
"""Connections that were idle for longer are not used again, because firewalls drop them silently."""
MAX_ADDRESSES = 6

_deadline: ContextVar[float] = ContextVar("oidc_gate_deadline", default=0.0)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit everything inside the ``with`` to `seconds` together."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def left() -> float:
    """Return the remaining seconds.

    Raises:
        TimeoutError: There are none.
    """
    seconds = _deadline.get() - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for the whole exchange is over")
    return seconds


def is_over() -> bool:
    """Return whether no time is left."""
    return time.monotonic() >= _deadline.get()


def send_once(
    pool: HTTPConnectionPool, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
) -> BaseHTTPResponse:
    """Send one request within the deadline: without a second try, and without following a redirect.

    The caller reads the body, limits it, and releases the connection.
    """
    return pool.urlopen(
        method,
        target,
        body=body,
        headers=headers,
        retries=False,
        redirect=False,
        assert_same_host=False,
        timeout=left(),
        preload_content=False,
        decode_content=False,
    )


class DeadlineAdapter(HTTPAdapter):
    """The adapter of a ``requests`` session that keeps the deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pools, with connections that keep the deadline."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Create the pools behind a proxy. A SOCKS proxy keeps its own pools, with a timeout for each read only."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


class _Reader(io.RawIOBase):
    """The bytes of a socket, with each read limited to the remaining time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw: Any = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        self._sock.settimeout(left())
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _TimedSocket:
    """The part of a socket that `http.client.HTTPResponse` uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Deadline(HTTPConnection):
    """The base of plain and TLS connections."""

    response_class = _Response
    _used_at = 0.0
    _unsent: list[bytes] | None = None

    def _new_conn(self) -> socket.socket:
        try:
            return _connect(self._dns_host, self.port, self.socket_options)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, "no connection") from error

    def _tunnel(self) -> None:
        super()._tunnel()
        self.sock.settimeout(left())  # the TLS handshake comes next

    def request(self, *args: Any, **kwargs: Any) -> None:
        # Head and body leave in one piece: in two, the other side is woken up twice.
        self._unsent = []
        try:
            super().request(*args, **kwargs)
        finally:
            unsent, self._unsent = self._unsent, None
        self.send(b"".join(unsent))

    def send(self, data: Any) -> None:
        if self._unsent is not None:
            self._unsent.append(data)
            return
        if self.sock is not None:
            self.sock.settimeout(left())
        super().send(data)

    def getresponse(self) -> Any:
        self._used_at = time.monotonic()
        return super().getresponse()

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self._used_at < MAX_IDLE_SECONDS and super().is_connected


class _PlainConnection(_Deadline):
    pass


class _TLSConnection(_Deadline, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _PlainPool, "https": _TLSPool}


def _connect(host: str, port: int, options: Any) -> socket.socket:
    found = _addresses(host.strip("[]"), port)[:MAX_ADDRESSES]
    failure: OSError = OSError("the name has no address")
    for position, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            # If an address swallows packets, there is time left for the next one.
            sock.settimeout(left() / (len(found) - position))
            sock.connect(address)
            sock.settimeout(left())
            return sock
        except OSError as error:
            failure = error
            sock.close()
    raise failure


def _addresses(host: str, port: int) -> list[Any]:
    """Resolve a name in a separate thread, because the resolver has no timeout."""
    found: list[list[Any]] = []
    failed: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            found.append(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    thread = threading.Thread(target=look_up, name="oidc_gate-resolver", daemon=True)
    thread.start()
    thread.join(left())
    if failed:
        raise (
            failed[0] if isinstance(failed[0], OSError) else socket.gaierror(socket.EAI_NONAME, "not a name")
        )
    if not found:
        raise TimeoutError("the name was not resolved in time")
    return found[0]
