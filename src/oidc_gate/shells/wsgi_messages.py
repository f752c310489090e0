"""WSGI requests and responses: reading an ``environ``, and starting, watching and replacing answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from http import HTTPStatus
from itertools import chain, islice
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from ..model import Allow, Headers, Reply, Request
from ..request.navigation import HANDSHAKE, is_handshake
from .common import is_own_challenge, may_carry_cookie, new_request_id

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
WSGIApplication = Callable[[Any, Any], Iterable[bytes]]

# One empty chunk instead of none: hypercorn sends no response for an iterable that yields nothing.
NOTHING = (b"",)
HANDSHAKE_KEYS = frozenset("HTTP_" + name.upper().replace("-", "_") for name in HANDSHAKE)

_REASONS = {status.value: status.phrase for status in HTTPStatus}
# The absolute form of a request target (RFC 9112 §3.2.2): its scheme and host.
_ORIGIN = re.compile(r"\Ahttps?://[^/?#]*", re.IGNORECASE)
_PATH_SAFE = "/:@!$&'()*+,;=~-._"


class EnvironHeaders(Headers):
    """The headers of a request in an `environ`, in which the server has joined headers with the same name."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def get(self, name: str, default: str = "") -> str:
        """Return the value of `name` (lower case), or `default`."""
        value: str = self._environ.get(_key_of(name), default)
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Return the value of `name` (lower case), or an empty tuple."""
        value = self._environ.get(_key_of(name))
        return () if value is None else (value,)

    def __contains__(self, name: str) -> bool:
        return _key_of(name) in self._environ

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, value in self._environ.items():
            if name.startswith("HTTP_"):
                yield name[5:].lower().replace("_", "-"), value

    def __repr__(self) -> str:
        return f"Headers({sorted(name for name, _ in self)})"


@lru_cache(maxsize=256)  # the names come from the source and from the settings
def _key_of(name: str) -> str:
    return "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")


def _is_handshake(environ: Environ) -> bool:
    return not environ.keys().isdisjoint(HANDSHAKE_KEYS) and is_handshake(EnvironHeaders(environ))


def request_of(environ: Environ) -> Request:
    """Return the request that `environ` describes."""
    path = environ.get("PATH_INFO", "")
    mount = environ.get("SCRIPT_NAME", "").rstrip("/")
    raw_path, is_as_sent = _raw_path(environ, mount, path)
    return Request(
        method=environ.get("REQUEST_METHOD", "GET"),
        scheme=environ.get("wsgi.url_scheme", "http"),
        mount=quote(mount.encode("latin-1"), safe=_PATH_SAFE),
        path=_decoded(path) or "/",
        raw_path=raw_path,
        query=environ.get("QUERY_STRING", ""),
        headers=EnvironHeaders(environ.copy()),  # the application may change its own
        peer=_peer(environ),
        is_websocket=_is_handshake(environ),
        request_id=(number := new_request_id()),
        number=number,
        is_ambiguous=not is_as_sent or (bool(mount) and f"{path}/".startswith(f"{mount}/")),
    )


def _peer(environ: Environ) -> str:
    """Return the address of the peer, or ``unix`` for a Unix socket, which waitress calls localhost."""
    address: str = environ.get("REMOTE_ADDR", "")
    return "unix" if address in ("", "localhost") else address


def _decoded(path: str) -> str:
    return path.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _raw_path(environ: Environ, mount: str, path: str) -> tuple[str, bool]:
    """Return the path below the mount as the client sent it, or encoded again.

    Returns:
        The path, and False if the server reports a request target that is not this path, because it resolved dot
        segments, removed slashes, or read ``#`` as the end of the path.
    """
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if not mount and path and sent.partition("?")[0] == path and "%" not in path:
        return path, True
    encoded_again = quote(path.encode("latin-1", "replace"), safe=_PATH_SAFE) or "/"
    if not sent:
        return encoded_again, True  # the application does not see the raw path either
    sent = _ORIGIN.sub("", sent).partition("?")[0]
    raw_mount = quote(mount.encode("latin-1"), safe=_PATH_SAFE)
    # It does not contain the mount if a proxy removed a prefix that a middleware put into SCRIPT_NAME.
    raw = sent.removeprefix(raw_mount)
    if unquote_to_bytes(raw).decode("latin-1") == path:
        return raw or "/", True
    return encoded_again, False


def send(reply: Reply, start_response: StartResponse, *, is_head: bool) -> Iterable[bytes]:
    """Send `reply`, without its body for HEAD."""
    start_response(status_line(reply.status), list(reply.headers))
    return NOTHING if is_head else [reply.body]


def status_line(status: int) -> str:
    """Return the status with its reason phrase."""
    return f"{status} {_REASONS.get(status, 'Unknown')}"


def watched(
    app: WSGIApplication, allow: Allow, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Call the application, and return its response, or the reply that replaces its 401.

    The response has started when this returns. PEP 3333 also allows an application to start it during the iteration,
    but granian then sends 200 without headers.
    """
    response = _WatchedResponse(app, environ, start_response, allow)
    if response.replacement is None:
        return response
    response.close()
    return send(response.replacement, start_response, is_head=environ.get("REQUEST_METHOD") == "HEAD")


class _WatchedResponse:
    """The application's response, watched until it starts, to renew the session or to replace its 401.

    The body is passed on without buffering. Only its first chunk is awaited, if the application has not started its
    response yet.

    Attributes:
        replacement: The reply to send instead of the application's 401, or None.
    """

    def __init__(
        self, app: WSGIApplication, environ: Environ, start_response: StartResponse, allow: Allow
    ) -> None:
        self._start_response = start_response
        self._allow = allow
        self._has_started = False
        self.replacement: Reply | None = None
        self._body = app(environ, self._start)
        try:
            self._pieces = iter(self._body)
            if not self._has_started:  # for example a generator, which runs only when it is iterated
                self._pieces = chain(tuple(islice(self._pieces, 1)), self._pieces)
        except BaseException:
            self.close()
            raise

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        self._has_started = True
        self.replacement = self._find_replacement(status, headers)
        if self.replacement is not None:
            return lambda piece: None
        headers = headers + _renewing(self._allow.set_cookies, headers)
        if exc_info is None:
            return self._start_response(status, headers)
        return self._start_response(status, headers, exc_info)

    def _find_replacement(self, status: str, headers: list[tuple[str, str]]) -> Reply | None:
        if self._allow.replacement_for_401 is None or status[:3] != "401":
            return None
        authenticate = [value for name, value in headers if name.lower() == "www-authenticate"]
        return None if is_own_challenge(authenticate) else self._allow.replacement_for_401()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Close the application's response, as PEP 3333 requires, whatever was sent instead of it."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


def _renewing(set_cookies: tuple[str, ...], headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    cache_control = [value for name, value in headers if name.lower() == "cache-control"]
    if not set_cookies or not may_carry_cookie(cache_control):
        return []
    added = [("Set-Cookie", cookie) for cookie in set_cookies]
    return added if cache_control else [*added, ("Cache-Control", "private")]
