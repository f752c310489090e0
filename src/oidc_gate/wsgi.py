"""The WSGI shell (PEP 3333): translates environs to requests and decisions to responses. It contains no rules."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from .effects import Step
from .endpoints.context import Components
from .endpoints.responses import bare
from .model import Allow, Decision, HeaderList, Identity, Reply
from .policy.identity_headers import application_headers, auth_headers, remote_user, stripped_names
from .runtime.driver import run
from .runtime.world import World
from .session.sessions import LoadedSession
from .settings import Settings
from .shells.access_tokens import access_token_of
from .shells.common import Runtime, load_settings
from .shells.detect import GatedApplication, validate_app
from .shells.mounted import Backends, no_such_mount
from .shells.tracing import traced
from .shells.wsgi_body import drain_body, read_body
from .shells.wsgi_messages import (
    HANDSHAKE_KEYS,
    NOTHING,
    Environ,
    StartResponse,
    WSGIApplication,
    request_of,
    send,
    status_line,
    watched,
)
from .shells.wsgi_streams import end_with_session

if TYPE_CHECKING:
    from typing import Unpack

    from .settings.keywords import LoadKeywords

_EVENTS = "text/event-stream"


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
        self._runtime = Runtime.of(settings, self._render, world)
        self._gate = self._runtime.gate
        self._cookies = self._gate.components.cookies
        stripped = frozenset("HTTP_" + name.upper().replace("-", "_") for name in stripped_names(settings))
        # Everything that the short path needs, in one look-up, because attribute access is slow with `__getattr__`.
        # Without `end_streams`, it looks for a text that no header contains.
        events = _EVENTS if settings.end_streams else "\n"
        self._short_path = (app, self._runtime.find, settings.prefix, stripped | HANDSHAKE_KEYS, events)
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
                HANDSHAKE_KEYS
            ):  # the Origin of a WebSocket has to be checked too
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
            with traced(self._gate, request) as note:
                decision = _drive(self._gate.decide(request), self._runtime.world, environ)
                note(decision)
        if isinstance(decision, Reply):
            if decision.drains:
                drain_body(environ, self._runtime.world.server_threads)
            return send(decision, start_response, is_head=request.method == "HEAD")
        for name in ("REMOTE_USER", "AUTH_TYPE"):
            environ.pop(name, None)
        others = self._cookies.without_gate_cookies(environ.get("HTTP_COOKIE", ""))
        payload = _build_payload(self._gate.components, decision.identity, decision.headers)
        payload |= access_token_of(self._runtime.world, self._gate.components, decision.loaded)[0]
        payload["oidc_gate.request_id"] = decision.request_id
        accepts_events = _EVENTS in environ.get("HTTP_ACCEPT", "")
        app = self._app
        _strip(environ, self._stripped)
        _prepare_environ(environ, others, payload)
        if decision.set_cookies or decision.replacement_for_401 is not None:
            app = partial(watched, app, decision)
        if accepts_events and decision.session is not None and self._gate.settings.end_streams:
            open_stream = partial(self._runtime.open_stream, decision.session, decision.loaded)
            return end_with_session(app, environ, start_response, open_stream)
        return app(environ, start_response)

    def _pass_on(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application without an identity. If it answers 401, decide then whether that is replaced."""
        may_be_page = environ.get("HTTP_SEC_FETCH_MODE") == "navigate" or "html" in environ.get(
            "HTTP_ACCEPT", ""
        )
        as_sent = environ.copy() if may_be_page else environ
        _strip(environ, self._stripped)
        environ.update(self._anonymous)
        if not may_be_page:
            return self._app(environ, start_response)
        allow = Allow(None, replacement_for_401=lambda: self._gate.replace_401(request_of(as_sent)))
        return watched(self._app, allow, environ, start_response)

    def _render(self, components: Components, loaded: LoadedSession) -> tuple[Environ, int]:
        session = loaded.session
        payload = _build_payload(
            components, session.identity, application_headers(components.settings, session)
        )
        token, size = access_token_of(self._runtime.world, components, loaded)
        return {**payload, **token}, loaded.weight + size

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


def _build_payload(components: Components, identity: Identity | None, headers: HeaderList) -> Environ:
    """Return what is added to an ``environ``: the identity, ``REMOTE_USER``, and the configured headers."""
    payload: Environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers}
    payload["oidc_gate.identity"] = identity
    if identity is not None:
        payload["REMOTE_USER"] = remote_user(identity, components.settings)
        payload["AUTH_TYPE"] = "oidc_gate"
        payload["oidc_gate.prefix"] = components.settings.prefix
    return payload


def _drive(step: Step[Decision], world: World, environ: Environ) -> Decision:
    return run(step, world, lambda limit: read_body(environ, limit, world.server_threads))


class AuthBackend:
    """Only the endpoints of the gate, to mount in a WSGI application. The path where it is mounted is its prefix.

    This is neither Django's authentication backend (see `oidc_gate.ext.django.OIDCGateBackend`) nor Starlette's
    ``AuthenticationBackend``: those say who a user is, and this answers the requests of a proxy and of browsers. If it
    is mounted at the root (``oidc-gate serve``), the prefix is that of the settings; so it is at the root of an
    application that is mounted elsewhere itself: at the path of `public_url`, or, without `public_url`, for paths that
    begin with the prefix.

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
        if backend.is_auth(environ.get("PATH_INFO", "")) and environ.keys().isdisjoint(HANDSHAKE_KEYS):
            verdict = backend.verdict(environ.get("HTTP_COOKIE", ""), environ.get("QUERY_STRING", ""))
            if verdict is not None:
                status, headers = verdict
                start_response(status, headers.copy())  # a middleware may change the list that it receives
                return NOTHING
        self._backends.warm_up()
        request = request_of(environ)
        backend = backend.for_path(request.path)
        request = backend.with_prefix(request)
        with traced(backend.runtime.gate, request) as note:
            decision = _drive(backend.runtime.gate.decide(request), backend.runtime.world, environ)
            note(decision)
        return send(backend.reply_of(decision, request), start_response, is_head=request.method == "HEAD")


def _render_verdict(
    components: Components, loaded: LoadedSession
) -> tuple[tuple[str, list[tuple[str, str]]], int]:
    verdict = bare(202, auth_headers(components.settings, loaded.session))
    return (status_line(verdict.status), list(verdict.headers)), loaded.weight
