"""The WSGI shell (PEP 3333): translates in, drives the gate, translates out. It knows nothing of sign-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from .endpoints.context import Components
from .endpoints.responses import bare
from .model import Allow, HeaderList, Headers, Identity, Reply, Request, Session
from .policy.identity_headers import application_headers, auth_headers, remote_user, stripped_names
from .request.navigation import HANDSHAKE, is_handshake
from .runtime.driver import run
from .runtime.world import World
from .settings import Settings
from .shells.common import (
    DRAIN_BYTES,
    Runtime,
    is_own_challenge,
    load_settings,
    may_carry_cookie,
    new_request_id,
)
from .shells.detect import GatedApplication, validate_app
from .shells.mounted import Backends

if TYPE_CHECKING:
    from typing import Unpack

    from .settings.keywords import LoadKeywords

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
WSGIApplication = Callable[[Any, Any], Iterable[bytes]]

# One empty piece, not none: hypercorn sends no response at all for an iterable that yields nothing.
NOTHING = (b"",)

_REASONS = {status.value: status.phrase for status in HTTPStatus}
# The absolute form of a request target (RFC 9112 §3.2.2): its scheme and host.
_ORIGIN = re.compile(r"\Ahttps?://[^/?#]*", re.IGNORECASE)
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_HANDSHAKE = frozenset("HTTP_" + name.upper().replace("-", "_") for name in HANDSHAKE)


class OIDCGate(GatedApplication):
    """Put sign-in in front of a WSGI application.

    Args:
        app: The application. It is called for requests that are allowed, and for no other.
        settings: Settings that were made before. Without them, the settings come from `keywords`, then from
            ``OIDC_GATE_*`` environment variables, then from the TOML file that ``OIDC_GATE_CONFIG`` names.
        world: Replaces clock, randomness and network; for tests.

    Raises:
        ConfigurationError: With every problem of the settings.
        TypeError: `app` cannot be called, is an ASGI application, or is behind a gate already.

    Spec: PEP 3333.
    """

    _keep_methods = "app.wsgi_app = OIDCGate(app.wsgi_app)"

    def __init__(
        self,
        app: WSGIApplication,
        /,
        settings: Settings | None = None,
        *,
        world: World | None = None,
        **keywords: Unpack[LoadKeywords],
    ) -> None:
        validate_app(app, "wsgi")
        self._app = app  # by this name oidc_gate.testing looks further inside
        settings = load_settings(settings, keywords)
        self._runtime = Runtime(Components(settings), _render, world)
        self._gate = self._runtime.gate
        self._cookies = self._gate.components.cookies
        stripped = frozenset("HTTP_" + name.upper().replace("-", "_") for name in stripped_names(settings))
        # All that the short path needs, at one look-up: on an object with `__getattr__` each one is slow.
        self._short_path = (app, self._runtime.find, settings.prefix, stripped | _HANDSHAKE)
        self._stripped = stripped
        self._anonymous = _build_payload(self._gate.components, None, application_headers(settings, None))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or let the application answer it."""
        app, find, prefix, unusual = self._short_path
        admission, others = find(environ.get("HTTP_COOKIE", ""))
        if admission is None or prefix in environ.get("PATH_INFO", ""):
            return self._decide(environ, start_response)
        if not environ.keys().isdisjoint(unusual):
            if not environ.keys().isdisjoint(
                _HANDSHAKE
            ):  # for a WebSocket handshake the Origin counts as well
                return self._decide(environ, start_response)
            _strip(environ, self._stripped)
        _prepare_environ(environ, others, admission.payload)
        return app(environ, start_response)

    def _decide(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self._runtime.warm_up()
        if self._is_plainly_public(environ):
            return self._pass_on(environ, start_response)
        request = request_of(environ)
        decision = self._gate.decide_at_once(request)
        if decision is None:
            decision = run(
                self._gate.decide(request), self._runtime.world, lambda limit: _read(environ, limit)
            )
        if isinstance(decision, Reply):
            if decision.drains:
                _drain(environ)
            return send(decision, start_response, is_head=request.method == "HEAD")
        for name in ("REMOTE_USER", "AUTH_TYPE"):
            environ.pop(name, None)
        others = self._cookies.without_gate_cookies(environ.get("HTTP_COOKIE", ""))
        payload = _build_payload(self._gate.components, decision.identity, decision.headers)
        app = self._app
        _strip(environ, self._stripped)
        _prepare_environ(environ, others, payload)
        if not decision.set_cookies and decision.signs_in is None:
            return app(environ, start_response)
        return _WatchedResponse(app, environ, start_response, decision)

    def _pass_on(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application without an identity. Whether its own 401 is replaced is decided when one comes."""
        may_be_page = environ.get("HTTP_SEC_FETCH_MODE") == "navigate" or "html" in environ.get(
            "HTTP_ACCEPT", ""
        )
        as_sent = environ.copy() if may_be_page else environ
        _strip(environ, self._stripped)
        environ.update(self._anonymous)
        if not may_be_page:
            return self._app(environ, start_response)
        allow = Allow(None, signs_in=lambda: self._gate.replace_401(request_of(as_sent)))
        return _WatchedResponse(self._app, environ, start_response, allow)

    def _is_plainly_public(self, environ: Environ) -> bool:
        """Return whether the request may pass as it is, so that nothing has to be decided."""
        path = environ.get("PATH_INFO", "")
        if (
            environ.get("SCRIPT_NAME")
            or self._cookies.main in environ.get("HTTP_COOKIE", "")
            or self._gate.settings.prefix in path
            or "REMOTE_USER" in environ
            or "AUTH_TYPE" in environ
        ):
            return False
        sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        raw_path = sent.partition("?")[0] if sent else path
        host, method = environ.get("HTTP_HOST", ""), environ.get("REQUEST_METHOD", "")
        return self._gate.is_plainly_public(method, host, path, raw_path)


def _strip(environ: Environ, names: frozenset[str]) -> None:
    """Remove the identity headers that the client sent."""
    for name in environ.keys() & names:
        del environ[name]


def _prepare_environ(environ: Environ, cookies: str, payload: Environ) -> None:
    """Make `environ` what the application sees: none of the gate's cookies, and the identity that the gate knows."""
    if cookies:
        environ["HTTP_COOKIE"] = cookies
    else:
        environ.pop("HTTP_COOKIE", None)
    environ.update(payload)


def _render(components: Components, session: Session, weight: int) -> tuple[Environ, int]:
    return _build_payload(
        components, session.identity, application_headers(components.settings, session)
    ), weight


def _build_payload(components: Components, identity: Identity | None, headers: HeaderList) -> Environ:
    """Return what an ``environ`` is given: the identity, ``REMOTE_USER``, and the headers that were asked for."""
    payload: Environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers}
    payload["oidc_gate.identity"] = identity
    if identity is not None:
        payload["REMOTE_USER"] = remote_user(identity, components.settings)
        payload["AUTH_TYPE"] = "oidc_gate"
    return payload


class EnvironHeaders(Headers):
    """The headers of a request as `environ` has them: a server joined those of one name."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def get(self, name: str, default: str = "") -> str:
        """Return the value of `name` (lower case), or `default`."""
        value: str = self._environ.get(_key_of(name), default)
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Return the value of `name` (lower case), or nothing."""
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


@lru_cache(maxsize=256)  # the names stand in the source and in the settings
def _key_of(name: str) -> str:
    return "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")


def _is_handshake(environ: Environ) -> bool:
    return not environ.keys().isdisjoint(_HANDSHAKE) and is_handshake(EnvironHeaders(environ))


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
        request_id=new_request_id(),
        is_ambiguous=not is_as_sent or (bool(mount) and f"{path}/".startswith(f"{mount}/")),
    )


def _peer(environ: Environ) -> str:
    """Return the address of the peer, or ``unix`` for a Unix socket, which has none; waitress calls it localhost."""
    address: str = environ.get("REMOTE_ADDR", "")
    return "unix" if address in ("", "localhost") else address


def _decoded(path: str) -> str:
    return path.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _raw_path(environ: Environ, mount: str, path: str) -> tuple[str, bool]:
    """Return the path below the mount as the client sent it, or encoded anew.

    Returns:
        The path, and false if the server names a request target that is not this path: it resolved dot segments
        or removed slashes, or took ``#`` for the end of the path.
    """
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if not mount and path and sent.partition("?")[0] == path and "%" not in path:
        return path, True
    anew = quote(path.encode("latin-1", "replace"), safe=_PATH_SAFE) or "/"
    if not sent:
        return anew, True  # the application does not see the raw path either
    sent = _ORIGIN.sub("", sent).partition("?")[0]
    raw_mount = quote(mount.encode("latin-1"), safe=_PATH_SAFE)
    # The mount is not in it where the proxy removed a prefix that a middleware put into SCRIPT_NAME.
    raw = sent.removeprefix(raw_mount)
    if unquote_to_bytes(raw).decode("latin-1") == path:
        return raw or "/", True
    return anew, False


def _read(environ: Environ, limit: int) -> bytes:
    """Return the body, bounded by its declared length; a chunked one only where the server ends it for us."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared.isascii() and declared.isdigit():
        size = min(int(declared[:18]), limit + 1)
    else:
        size = limit + 1 if environ.get("wsgi.input_terminated") else 0
    chunks, stream = [], environ.get("wsgi.input")
    while size > 0 and stream is not None:
        chunk = stream.read(min(size, 65536))
        if not chunk:
            break
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _drain(environ: Environ) -> None:
    try:
        _read(environ, DRAIN_BYTES - 1)
    except OSError:
        return  # the client has gone


def send(reply: Reply, start_response: StartResponse, *, is_head: bool) -> Iterable[bytes]:
    """Send `reply`; to HEAD without its body."""
    start_response(_status_line(reply.status), list(reply.headers))
    return NOTHING if is_head else [reply.body]


def _status_line(status: int) -> str:
    return f"{status} {_REASONS.get(status, 'Unknown')}"


class _WatchedResponse:
    """The application's answer, watched until it starts: to add a renewed session, or turn its 401 into a sign-in.

    A body passes unbuffered and unread; only its first piece is waited for where the application has not
    started its response yet.
    """

    def __init__(
        self, app: WSGIApplication, environ: Environ, start_response: StartResponse, allow: Allow
    ) -> None:
        self._start_response = start_response
        self._allow = allow
        self._is_head = environ.get("REQUEST_METHOD") == "HEAD"
        self._replacement: Reply | None = None
        self._body = app(environ, self._start)
        self._pieces: Iterator[bytes] | None = None

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        self._replacement = self._find_replacement(status, headers)
        if self._replacement is not None:
            return lambda piece: None
        headers = headers + _renewing(self._allow.set_cookies, headers)
        if exc_info is None:
            return self._start_response(status, headers)
        return self._start_response(status, headers, exc_info)

    def _find_replacement(self, status: str, headers: list[tuple[str, str]]) -> Reply | None:
        if self._allow.signs_in is None or status[:3] != "401":
            return None
        authenticate = [value for name, value in headers if name.lower() == "www-authenticate"]
        return None if is_own_challenge(authenticate) else self._allow.signs_in()

    def __iter__(self) -> Iterator[bytes]:
        self._pieces = iter(self._body)
        return self

    def __next__(self) -> bytes:
        if self._pieces is None:
            self._pieces = iter(self._body)
        try:
            piece = next(self._pieces)
        except StopIteration:
            if self._replacement is None:
                raise
            piece = b""
        if self._replacement is None:
            return piece
        sent = send(self._replacement, self._start_response, is_head=self._is_head)
        self._replacement = None
        self._pieces = iter(())
        return b"".join(sent)

    def close(self) -> None:
        """Close the application's answer, as PEP 3333 asks, whatever was sent in its place."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


def _renewing(set_cookies: tuple[str, ...], headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    cache_control = [value for name, value in headers if name.lower() == "cache-control"]
    if not set_cookies or not may_carry_cookie(cache_control):
        return []
    added = [("Set-Cookie", cookie) for cookie in set_cookies]
    return added if cache_control else [*added, ("Cache-Control", "private")]


class AuthBackend:
    """The gate's endpoints alone, to mount in a WSGI application: its mount point is its prefix.

    This is neither Django's authentication backend (see `oidc_gate.ext.django.OIDCGateBackend`) nor Starlette's
    ``AuthenticationBackend``: those say who a user is, and this answers the requests of a proxy and of browsers.
    Mounted at the root (``oidc-gate serve``), the prefix is that of the settings.

    Args:
        settings, keywords, world: As for `OIDCGate`; `public_url` or `trusted_proxies` must be set.

    Raises:
        ConfigurationError: With every problem of the settings.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        world: World | None = None,
        **keywords: Unpack[LoadKeywords],
    ) -> None:
        self._backends = Backends(load_settings(settings, keywords), _render_verdict, world)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        backend = self._backends.at(environ.get("SCRIPT_NAME", ""))
        if backend.is_auth(environ.get("PATH_INFO", "")) and environ.keys().isdisjoint(_HANDSHAKE):
            verdict = backend.verdict(environ.get("HTTP_COOKIE", ""), environ.get("QUERY_STRING", ""))
            if verdict is not None:
                status, headers = verdict
                start_response(status, headers.copy())  # a middleware may add to the list that it is given
                return NOTHING
        backend.runtime.warm_up()
        request = backend.with_prefix(request_of(environ))
        decision = run(
            backend.runtime.gate.decide(request), backend.runtime.world, lambda limit: _read(environ, limit)
        )
        return send(backend.reply_of(decision, request), start_response, is_head=request.method == "HEAD")


def _render_verdict(
    components: Components, session: Session, weight: int
) -> tuple[tuple[str, list[tuple[str, str]]], int]:
    verdict = bare(202, auth_headers(components.settings, session))
    return (_status_line(verdict.status), list(verdict.headers)), weight
