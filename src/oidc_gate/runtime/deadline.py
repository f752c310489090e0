"""HTTP connections that keep one deadline for the whole exchange.

A timeout of ``requests`` is for one read: a server that sends a byte a second, in the body or in the headers,
never trips it. Here every wait, for a name, a connection, a handshake or a byte, gets what is left of the
exchange's time and no more. Loaded with the first exchange, since urllib3 takes its time to load.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_IDLE_SECONDS = 20.0
"""A connection that was idle for longer is not used again: firewalls drop such connections silently."""
MAX_ADDRESSES = 6

_deadline: ContextVar[float] = ContextVar("oidc_gate_deadline", default=0.0)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give what happens inside `seconds` in all."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def left() -> float:
    """Return how many seconds are left.

    Raises:
        TimeoutError: None are.
    """
    seconds = _deadline.get() - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for the whole exchange is over")
    return seconds


class DeadlineAdapter(HTTPAdapter):
    """What a ``requests`` session is given in place of its own adapter."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections that keep the deadline."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools behind a proxy; a SOCKS proxy keeps its own, and a timeout for each read alone."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


class _Reader(io.RawIOBase):
    """A socket's bytes, each read bounded by what is left."""

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
    """As much of a socket as `http.client.HTTPResponse` asks for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Deadline(HTTPConnection):
    """The part that plain and TLS connections share."""

    response_class = _Response
    _used_at = 0.0

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

    def send(self, data: Any) -> None:
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
            # An address that swallows packets leaves time for the next one.
            sock.settimeout(left() / (len(found) - position))
            sock.connect(address)
            sock.settimeout(left())
            return sock
        except OSError as error:
            failure = error
            sock.close()
    raise failure


def _addresses(host: str, port: int) -> list[Any]:
    """Look a name up, in a thread of its own: the resolver cannot be given a time."""
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
