"""ASGI scopes: reading a request, and building the scope of the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from ..model import HeaderList, Headers, Identity, Request
from .common import new_request_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Payload = tuple[Scope, tuple[tuple[bytes, bytes], ...]]
"""The members and the headers that are added to a scope."""

_MAX_LAYERS = 8  # of middleware between the gate and the application
_PATH_SAFE = "/:@!$&'()*+,;=~-._"


def request_of(scope: Scope, framework: str = "") -> Request:
    """Return the request that an ``http`` or ``websocket`` scope describes.

    Args:
        framework: The framework of the application, from `framework_of`.
    """
    mount = scope.get("root_path", "").rstrip("/")
    path = _below(mount, scope["path"])
    client = scope.get("client")
    is_websocket = scope["type"] == "websocket"
    scheme = scope.get("scheme", "ws" if is_websocket else "http")
    return Request(
        method=scope.get("method", "GET"),
        scheme="https" if scheme in ("https", "wss") else "http",
        mount=quote(mount, safe=_PATH_SAFE),
        path=path,
        raw_path=_raw_path(scope, mount, path),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=ScopeHeaders(scope["headers"]),
        peer=(client[0] if client else "") or "unix",  # granian sends an empty host
        is_websocket=is_websocket,
        request_id=(number := new_request_id()),
        number=number,
        is_ambiguous=_is_ambiguous(mount, scope, framework),
    )


class ScopeHeaders(Headers):
    """The headers of a request in a scope. Names and values are decoded when they are requested."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]

    def get(self, name: str, default: str = "") -> str:
        """Return the only or first value of `name` (lower case), or `default`."""
        encoded = _encoded_name(name)
        for key, value in self._pairs:
            if key == encoded:
                return value.decode("latin-1")
        return default

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of `name` (lower case), in order."""
        encoded = _encoded_name(name)
        return tuple([value.decode("latin-1") for key, value in self._pairs if key == encoded])

    def __contains__(self, name: object) -> bool:
        encoded = _encoded_name(str(name))
        return any(key == encoded for key, _ in self._pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._pairs)

    def __repr__(self) -> str:
        return f"Headers({sorted({name for name, _ in self})})"


@lru_cache(maxsize=256)  # the names come from the source and from the settings
def _encoded_name(name: str) -> bytes:
    return name.encode("latin-1")


def _below(mount: str, path: str) -> str:
    """Return `path` below the mount, like applications do, whether or not the server includes the mount (ASGI 3.0)."""
    if _is_below(mount, path):
        return path[len(mount) :] or "/"
    return path or "/"


def framework_of(app: Any) -> str:
    """Return ``falcon``, ``quart`` or ``sanic`` if `app` uses one of these, even inside other middleware.

    They dispatch on another path than the one below ``root_path`` (see `_is_ambiguous`).
    """
    for _ in range(_MAX_LAYERS):
        app = getattr(app, "__self__", app)  # `app.asgi_app`, a bound method
        for base in type(app).__mro__:
            package = base.__module__.partition(".")[0]
            if package in ("falcon", "quart", "sanic"):
                return package
        app = getattr(app, "app", None)
    return ""


def _is_ambiguous(mount: str, scope: Scope, framework: str) -> bool:
    """Return whether applications may remove the mount at another position, or once more, than `_below` does.

    Litestar dispatches on what follows the mount, wherever it is in the path, and Hypercorn does not put the mount in
    front, so a client can request ``/open`` + mount + ``/secret``. Litestar also removes the mount before its
    middleware receives the path; only the raw path shows it then. Falcon and Sanic dispatch on the whole path,
    including the mount. Quart accepts no path without the mount. Starlette does not remove a ``root_path`` that ends
    with a slash. Daphne lets the client choose the mount (``Daphne-Root-Path``).
    """
    path, raw = scope["path"], scope.get("raw_path")
    if raw and not raw.startswith(b"/"):
        return True
    if not mount:
        return False
    if scope["root_path"] != mount:
        return True
    if not _is_below(mount, path):
        return mount in path or framework == "quart"
    return _is_below(mount, path[len(mount) :]) or not raw or framework in ("falcon", "sanic")


def _is_below(mount: str, path: str) -> bool:
    return path == mount or path.startswith(mount + "/")


def _raw_path(scope: Scope, mount: str, path: str) -> str:
    raw = (scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
    encoded_mount = quote(mount, safe=_PATH_SAFE)
    if raw.startswith("/"):
        return _below(encoded_mount, raw)
    return quote(path, safe=_PATH_SAFE, errors="surrogateescape")


class User:
    """The signed-in user in both forms of Starlette's authentication: ``request.user`` and ``request.auth``."""

    __slots__ = ("identity",)

    def __init__(self, identity: Identity | None) -> None:
        self.identity = identity

    @property
    def is_authenticated(self) -> bool:
        """Return whether a user is signed in."""
        return self.identity is not None

    @property
    def display_name(self) -> str:
        """Return the name of the user for pages; empty for an anonymous user."""
        return self.identity.label if self.identity else ""

    @property
    def scopes(self) -> list[str]:
        """Return the scopes for Starlette's ``requires``: ``authenticated``, and ``group:NAME`` for each group."""
        if self.identity is None:
            return []
        return ["authenticated", *(f"group:{group}" for group in self.identity.groups)]


def payload_of(identity: Identity | None, headers: HeaderList, prefix: str) -> Payload:
    """Return what is added to a scope: the identity, ``user`` and ``auth``, and the configured headers."""
    user = User(identity)
    members: dict[str, Any] = {"oidc_gate.identity": identity, "user": user, "auth": user}
    if identity is not None:
        members["oidc_gate.prefix"] = prefix
    return members, tuple(encode_headers(headers))


def encode_headers(headers: HeaderList) -> list[tuple[bytes, bytes]]:
    """Return headers in the form of ASGI: bytes, with names in lower case."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


class HeaderFilter:
    """Decides which headers of a request reach the application, by their names as received.

    Identity headers do not, in any spelling (CVE-2025-64484). ``Cookie`` does not either; it is added again without
    the gate's cookies. The decision for a name is cached, because the same few names come with every request.

    Args:
        stripped: The names of identity headers, in lower case and with hyphens.
        finds_events: Whether to recognize requests for an event stream.
    """

    MAX_NAMES = 1024
    MAX_NAME_LENGTH = 64  # of cached names, because clients can send any name

    def __init__(self, stripped: frozenset[str], *, finds_events: bool = False) -> None:
        self._stripped = stripped | {"cookie"}
        self._passed: set[bytes] = set()
        self._accept = b"accept" if finds_events else b""

    def split(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], str, bool]:
        """Return the headers for the application, ``Cookie``, and whether the request accepts an event stream.

        HTTP/2 may split ``Cookie`` (RFC 9113 §8.2.3).
        """
        passed, accept, accepts_events = self._passed, self._accept, False
        kept: list[tuple[bytes, bytes]] = []
        pieces: list[bytes] = []
        for pair in headers:
            name = pair[0]
            if name in passed:
                kept.append(pair)
            elif name == b"cookie":
                pieces.append(pair[1])
            elif name == accept:  # never among `passed`; `find` takes half as long as `in`
                kept.append(pair)
                if pair[1].find(b"text/event-stream") >= 0:
                    accepts_events = True
            elif self._passes(name):
                kept.append(pair)
        return kept, b"; ".join(pieces).decode("latin-1"), accepts_events

    def _passes(self, name: bytes) -> bool:
        passes = name.decode("latin-1").lower().replace("_", "-") not in self._stripped
        if passes and len(self._passed) < self.MAX_NAMES and len(name) <= self.MAX_NAME_LENGTH:
            self._passed.add(name)
        return passes
