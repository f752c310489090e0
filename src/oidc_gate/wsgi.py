"""The WSGI shell (PEP 3333): translates environs to requests and decisions to responses. It contains no rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from http import HTTPStatus
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from .effects import Step
from .endpoints.context import Components
from .endpoints.responses import bare
from .model import Allow, Decision, HeaderList, Headers, Identity, Reply, Request, Session
from .policy.identity_headers import application_headers, auth_headers, remote_user, stripped_names
from .request.navigation import HANDSHAKE, is_handshake
from .runtime.driver import run
from .runtime.world import World
from .settings import Settings
from .shells.common import (
    Runtime,
    is_own_challenge,
    load_settings,
    may_carry_cookie,
    new_request_id,
)
from .shells.detect import GatedApplication, validate_app
from .shells.mounted import Backends, no_such_mount
from .shells.wsgi_body import drain_body, read_body
from .shells.wsgi_streams import end_with_session

if TYPE_CHECKING:
    from typing import Unpack

    from .settings.keywords import LoadKeywords

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
WSGIApplication = Callable[[Any, Any], Iterable[bytes]]

# One empty piece instead of none: hypercorn sends no response for an iterable that yields nothing.
NOTHING = (b"",)

_REASONS = {status.value: status.phrase for status in HTTPStatus}
# The absolute form of a request target (RFC 9112 §3.2.2): its scheme and host.
_ORIGIN = re.compile(r"\Ahttps?://[^/?#]*", re.IGNORECASE)
_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_EVENTS = "text/event-stream"
_HANDSHAKE = frozenset("HTTP_" + name.upper().replace("-", "_") for name in HANDSHAKE)


class OIDCGate(GatedApplication):
    """Put sign-in in front of a WSGI application.

    Example:
        >>> flask_app.wsgi_app = OIDCGate(flask_app.wsgi_app, public_paths=["/health"])

    Args:
        app: The application. It is only called for requests that are allowed.
        settings: Settings that were created before. Without them, the settings come from `keywords`, then from
            ``OIDC_GATE_*`` environment variables, then from the TOML file that ``OIDC_GATE_CONFIG`` names.
        world: Replaces the clock, the randomness and the network in tests.

    Raises:
        ConfigurationError: The settings cannot work. It contains every problem.
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
        self._app = app  # oidc_gate.testing uses this name to look further inside
        settings = load_settings(settings, keywords)
        self._runtime = Runtime.of(settings, _render, world)
        self._gate = self._runtime.gate
        self._cookies = self._gate.components.cookies
        stripped = frozenset("HTTP_" + name.upper().replace("-", "_") for name in stripped_names(settings))
        # Everything that the short path needs, in one look-up, because attribute access is slow with `__getattr__`.
        # Without `end_streams`, it looks for a text that no header contains.
        events = _EVENTS if settings.end_streams else "\n"
        self._short_path = (app, self._runtime.find, settings.prefix, stripped | _HANDSHAKE, events)
        self._stripped = stripped
        self._anonymous = _build_payload(self._gate.components, None, application_headers(settings, None))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or pass it on to the application."""
        app, find, prefix, unusual, events = self._short_path
        admission, others = find(environ.get("HTTP_COOKIE", ""))
        if (
            admission is None
            or prefix in environ.get("PATH_INFO", "")
            or events in environ.get("HTTP_ACCEPT", "")
        ):
            return self._decide(environ, start_response)
        if not environ.keys().isdisjoint(unusual):
            if not environ.keys().isdisjoint(
                _HANDSHAKE
            ):  # for a WebSocket handshake the Origin has to be checked too
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
            decision = _drive(self._gate.decide(request), self._runtime.world, environ)
        if isinstance(decision, Reply):
            if decision.drains:
                drain_body(environ, self._runtime.world.server_threads)
            return send(decision, start_response, is_head=request.method == "HEAD")
        for name in ("REMOTE_USER", "AUTH_TYPE"):
            environ.pop(name, None)
        others = self._cookies.without_gate_cookies(environ.get("HTTP_COOKIE", ""))
        payload = _build_payload(self._gate.components, decision.identity, decision.headers)
        accepts_events = _EVENTS in environ.get("HTTP_ACCEPT", "")
        app = self._app
        _strip(environ, self._stripped)
        _prepare_environ(environ, others, payload)
        if decision.set_cookies or decision.replacement_for_401 is not None:
            app = partial(_watched, app, decision)
        if accepts_events and decision.session is not None and self._gate.settings.end_streams:
            open_stream = partial(self._runtime.open_stream, decision.session)
            return end_with_session(app, environ, start_response, open_stream)
        return app(environ, start_response)

    def _pass_on(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application without an identity. Whether its own 401 is replaced is decided when there is one."""
        may_be_page = environ.get("HTTP_SEC_FETCH_MODE") == "navigate" or "html" in environ.get(
            "HTTP_ACCEPT", ""
        )
        as_sent = environ.copy() if may_be_page else environ
        _strip(environ, self._stripped)
        environ.update(self._anonymous)
        if not may_be_page:
            return self._app(environ, start_response)
        allow = Allow(None, replacement_for_401=lambda: self._gate.replace_401(request_of(as_sent)))
        return _watched(self._app, allow, environ, start_response)

    def _is_plainly_public(self, environ: Environ) -> bool:
        """Return whether the request may pass unchanged, so that no decision is needed."""
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
    """Change `environ` for the application: without the gate's cookies, and with the gate's identity."""
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
    """Return what is added to an ``environ``: the identity, ``REMOTE_USER``, and the configured headers."""
    payload: Environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers}
    payload["oidc_gate.identity"] = identity
    if identity is not None:
        payload["REMOTE_USER"] = remote_user(identity, components.settings)
        payload["AUTH_TYPE"] = "oidc_gate"
        payload["oidc_gate.prefix"] = components.settings.prefix
    return payload


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
    """Return the address of the peer, or ``unix`` for a Unix socket, which waitress calls localhost."""
    address: str = environ.get("REMOTE_ADDR", "")
    return "unix" if address in ("", "localhost") else address


def _decoded(path: str) -> str:
    return path.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _raw_path(environ: Environ, mount: str, path: str) -> tuple[str, bool]:
    """Return the path below the mount as the client sent it, or encoded again.

    Returns: The path, and False if the server reports a request target that is not this path, because it resolved dot
        segments, removed slashes, or read ``#`` as the end of the path.
    """
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if not mount and path and sent.partition("?")[0] == path and "%" not in path:
        return path, True
    anew = quote(path.encode("latin-1", "replace"), safe=_PATH_SAFE) or "/"
    if not sent:
        return anew, True  # the application does not see the raw path either
    sent = _ORIGIN.sub("", sent).partition("?")[0]
    raw_mount = quote(mount.encode("latin-1"), safe=_PATH_SAFE)
    # It does not contain the mount if a proxy removed a prefix that a middleware put into SCRIPT_NAME.
    raw = sent.removeprefix(raw_mount)
    if unquote_to_bytes(raw).decode("latin-1") == path:
        return raw or "/", True
    return anew, False


def _drive(step: Step[Decision], world: World, environ: Environ) -> Decision:
    return run(step, world, lambda limit: read_body(environ, limit, world.server_threads))


def send(reply: Reply, start_response: StartResponse, *, is_head: bool) -> Iterable[bytes]:
    """Send `reply`, without its body for HEAD."""
    start_response(_status_line(reply.status), list(reply.headers))
    return NOTHING if is_head else [reply.body]


def _status_line(status: int) -> str:
    return f"{status} {_REASONS.get(status, 'Unknown')}"


def _watched(
    app: WSGIApplication, allow: Allow, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Call the application, and return its response, or the reply that replaces its 401.

    The response has started when this returns. Servers may rely on that only if an application does it, but granian
    sends 200 without headers if `start_response` is first called by the iteration.
    """
    response = _WatchedResponse(app, environ, start_response, allow)
    if response.replacement is None:
        return response
    response.close()
    return send(response.replacement, start_response, is_head=environ.get("REQUEST_METHOD") == "HEAD")


class _WatchedResponse:
    """The application's response, watched until it starts, to renew the session or to replace its 401.

    The body is passed on without buffering. Only its first piece is awaited, if the application has not started its
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


class AuthBackend:
    """Only the endpoints of the gate, to mount in a WSGI application. The path where it is mounted is its prefix.

    This is neither Django's authentication backend (see `oidc_gate.ext.django.OIDCGateBackend`) nor Starlette's
    ``AuthenticationBackend``: those say who a user is, and this answers the requests of a proxy and of browsers. If it
    is mounted at the root (``oidc-gate serve``), the prefix is that of the settings.

    Example:
        >>> app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/oauth2": AuthBackend()})

    Args:
        settings, keywords, world: As for `OIDCGate`. `public_url` or `trusted_proxies` is required.

    Raises:
        ConfigurationError: The settings cannot work. It contains every problem.
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
        if backend is None:
            return send(no_such_mount(), start_response, is_head=environ.get("REQUEST_METHOD") == "HEAD")
        if backend.is_auth(environ.get("PATH_INFO", "")) and environ.keys().isdisjoint(_HANDSHAKE):
            verdict = backend.verdict(environ.get("HTTP_COOKIE", ""), environ.get("QUERY_STRING", ""))
            if verdict is not None:
                status, headers = verdict
                start_response(status, headers.copy())  # a middleware may change the list that it receives
                return NOTHING
        self._backends.warm_up()
        request = backend.with_prefix(request_of(environ))
        decision = _drive(backend.runtime.gate.decide(request), backend.runtime.world, environ)
        return send(backend.reply_of(decision, request), start_response, is_head=request.method == "HEAD")


def _render_verdict(
    components: Components, session: Session, weight: int
) -> tuple[tuple[str, list[tuple[str, str]]], int]:
    verdict = bare(202, auth_headers(components.settings, session))
    return (_status_line(verdict.status), list(verdict.headers)), weight
