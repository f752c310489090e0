"""The ASGI shell: translates scopes to requests and decisions to messages. It contains no rules.

It runs on asyncio and on trio. Blocking work (the provider, a store) runs in a limited set of threads of the gate's
own, never in the application's thread pool and never on the event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .endpoints.context import Components
from .endpoints.responses import bare, problem
from .errors import ConfigurationError
from .model import Allow, Reply
from .policy.identity_headers import application_headers, auth_headers, stripped_names
from .request.navigation import HANDSHAKE
from .runtime.loops import arun, is_on_a_loop
from .runtime.world import World
from .session.sessions import LoadedSession
from .settings import Settings
from .shells.access_tokens import access_token_of
from .shells.asgi_messages import (
    HeaderFilter,
    Payload,
    Receive,
    Scope,
    Send,
    framework_of,
    payload_of,
    request_of,
)
from .shells.asgi_responses import Body, send_reply, watch_response
from .shells.asgi_streams import end_with_session
from .shells.common import Runtime, load_settings
from .shells.detect import GatedApplication, validate_app
from .shells.mounted import Backend, Backends, no_such_mount
from .shells.tracing import traced

if TYPE_CHECKING:
    from typing import Unpack

    from .settings.keywords import LoadKeywords

# The memory that a cached verdict needs in addition to its text and its cookie: two entries, and the session ID.
_VERDICT_BYTES = 500

ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]


class OIDCGate(GatedApplication):
    """Put sign-in in front of an ASGI application: ``http`` and ``websocket``. ``lifespan`` is passed through.

    Example:
        >>> app = OIDCGate(app, public_paths=["/health"])

    Args:
        app: The application. It is only called for requests that are allowed.
        settings: Settings that were created before. Without them, the settings come from `keywords`, then from
            ``OIDC_GATE_*`` environment variables, then from the TOML file that ``OIDC_GATE_CONFIG`` names.
        world: Replaces the clock, the randomness and the network in tests.

    Raises:
        ConfigurationError: The settings cannot work. It contains every problem. On a running event loop, where
            servers and ``add_middleware`` ignore exceptions, it is not raised: lifespan is answered with
            ``startup.failed``, and every request with 503.
        TypeError: `app` cannot be called, is a WSGI application, or is behind a gate already.

    Spec: ASGI 3.0.
    """

    _keep_methods = "app.add_middleware(OIDCGate, ...)"

    def __init__(
        self,
        app: ASGIApplication,
        /,
        settings: Settings | None = None,
        *,
        world: World | None = None,
        **keywords: Unpack[LoadKeywords],
    ) -> None:
        validate_app(app, "asgi")
        self._app = app
        self._broken: ConfigurationError | None = None
        try:
            settings = load_settings(settings, keywords)
        except ConfigurationError as error:
            if not is_on_a_loop():
                raise
            self._broken = error
            return
        self._framework = framework_of(app)
        self._runtime = Runtime.of(settings, self._render, world)
        self._gate = self._runtime.gate
        self._cookies = self._gate.components.cookies
        self._split_headers = HeaderFilter(stripped_names(settings), finds_events=settings.end_streams).split
        self._anonymous = payload_of(None, application_headers(settings, None), settings.prefix)
        # Everything that the short path needs, in one look-up, because attribute access is slow with `__getattr__`.
        self._short_path = (app, self._split_headers, self._runtime.find, settings.prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, or pass it on to the application."""
        if self._broken is not None:
            return await _answer_broken(self._broken, scope, receive, send)
        if scope["type"] != "http":
            return await self._connect(scope, receive, send)
        app, split_headers, find, prefix = self._short_path
        kept, header, accepts_events = split_headers(scope["headers"])
        admission, others = find(header)
        if admission is None or accepts_events or prefix in scope["path"]:
            return await self._decide(scope, receive, send, kept, header, ends_with_session=accepts_events)
        await app(_inner_scope(scope, kept, others, admission.payload), receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decide about a WebSocket, or pass the server's lifespan on to the application."""
        if scope["type"] == "websocket":
            kept, cookies, _ = self._split_headers(scope["headers"])
            return await self._decide(
                scope, receive, send, kept, cookies, ends_with_session=self._gate.settings.end_streams
            )
        if scope["type"] != "lifespan":
            # A connection of a type that is defined later must not pass the gate.
            raise ValueError(f"OIDCGate does not know connections of type {scope['type']!r}")
        self._runtime.warm_up()
        await self._app(scope, receive, send)

    async def _decide(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        kept: list[tuple[bytes, bytes]],
        cookies: str,
        *,
        ends_with_session: bool,
    ) -> None:
        self._runtime.warm_up()
        if self._is_plainly_public(scope, cookies):
            return await self._pass_on(scope, receive, send, kept, cookies)
        request, body = request_of(scope, self._framework), Body(receive)
        decision = self._gate.decide_at_once(request)
        if decision is None:
            with traced(self._gate, request) as note:
                decision = await arun(self._gate.decide(request), self._runtime.world, body.read)
                note(decision)
        if isinstance(decision, Reply):
            return await send_reply(decision, scope, body, send, is_head=request.method == "HEAD")
        others = self._cookies.without_gate_cookies(cookies)
        inner = _inner_scope(
            scope, kept, others, payload_of(decision.identity, decision.headers, self._gate.settings.prefix)
        )
        inner.update(access_token_of(self._runtime.world, self._gate.components, decision.loaded)[0])
        inner["oidc_gate.request_id"] = decision.request_id
        watched = watch_response(decision, send, is_head=request.method == "HEAD")
        if ends_with_session and decision.session is not None:
            open_stream = partial(self._runtime.open_stream, decision.session, decision.loaded)
            return await end_with_session(self._app, inner, receive, watched, open_stream)
        await self._app(inner, receive, watched)

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, kept: list[tuple[bytes, bytes]], cookies: str
    ) -> None:
        """Call the application without an identity. If it answers 401, decide then whether that is replaced."""
        if any(
            b"html" in value if name == b"accept" else name == b"sec-fetch-mode" and value == b"navigate"
            for name, value in kept
        ):
            allow = Allow(
                None, replacement_for_401=lambda: self._gate.replace_401(request_of(scope, self._framework))
            )
            send = watch_response(allow, send, is_head=scope["method"] == "HEAD")
        await self._app(_inner_scope(scope, kept, cookies, self._anonymous), receive, send)

    def _render(self, components: Components, loaded: LoadedSession) -> tuple[Payload, int]:
        session, settings = loaded.session, components.settings
        members, headers = payload_of(
            session.identity, application_headers(settings, session), settings.prefix
        )
        token, size = access_token_of(self._runtime.world, components, loaded)
        return ({**members, **token}, headers), loaded.weight + size

    def _is_plainly_public(self, scope: Scope, cookies: str) -> bool:
        """Return whether the request may pass unchanged, so that no decision is needed."""
        path = scope["path"]
        if (
            scope["type"] != "http"
            or scope.get("root_path")
            or self._cookies.main in cookies
            or self._gate.settings.prefix in path
        ):
            return False
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        raw_path = (scope.get("raw_path") or path.encode("latin-1", "replace")).decode("latin-1")
        return self._gate.is_plainly_public(scope["method"], host, path, raw_path)


class AuthBackend:
    """Only the endpoints of the gate, to mount in an ASGI application. The path where it is mounted is its prefix.

    This is neither Django's authentication backend (see `oidc_gate.ext.django.OIDCGateBackend`) nor Starlette's
    ``AuthenticationBackend``: those say who a user is, and this answers the requests of a proxy and of browsers. If it
    is mounted at the root (``oidc-gate serve``), the prefix is that of the settings; so it is at the root of an
    application that is mounted elsewhere itself: at the path of `public_url`, or, without `public_url`, for paths that
    begin with the prefix.

    Example:
        >>> app.mount("/oauth2", AuthBackend(public_url="https://app.example.com"))

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

    @property
    def auth_path(self) -> str:
        """Return the path of ``auth`` if the backend is mounted at the root."""
        return self._backends.root.auth_path

    def verdict(self, cookie_header: str) -> bytes | None:
        """Return the answer to a cookie as an HTTP/1.1 response, or None if it does not depend on the cookie alone."""
        return self._backends.root.verdict(cookie_header)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            self._backends.warm_up()
            return await _complete_lifespan(receive, send)
        mount = scope.get("root_path", "")
        backend = self._backends.at(mount)
        if backend is None:
            is_head = scope.get("method") == "HEAD"
            return await send_reply(no_such_mount(), scope, Body(receive), send, is_head=is_head)
        if scope["type"] == "http" and backend.is_auth(scope["path"][len(mount) :]):
            query = scope.get("query_string", b"").decode("latin-1")
            verdict = backend.verdict(_plain_cookies(scope), query)
            if verdict is not None:
                await send({"type": "http.response.start", "status": 202, "headers": _headers_of(verdict)})
                return await send({"type": "http.response.body", "body": b""})
        await self._decide(backend, scope, receive, send)

    async def _decide(self, backend: Backend[Any], scope: Scope, receive: Receive, send: Send) -> None:
        self._backends.warm_up()
        body, request = Body(receive), request_of(scope)
        backend = backend.for_path(request.path)
        request = backend.with_prefix(request)
        with traced(backend.runtime.gate, request) as note:
            decision = await arun(backend.runtime.gate.decide(request), backend.runtime.world, body.read)
            note(decision)
        reply = backend.reply_of(decision, request)
        await send_reply(reply, scope, body, send, is_head=request.method == "HEAD")


def _render_verdict(components: Components, loaded: LoadedSession) -> tuple[bytes, int]:
    """Return the 202 of ``auth`` as the bytes of a response. An `AuthBackend` keeps nothing else of a session."""
    lines = [
        f"{name.lower()}: {value}"
        for name, value in bare(202, auth_headers(components.settings, loaded.session)).headers
    ]
    verdict = "\r\n".join(["HTTP/1.1 202 Accepted", *lines, "", ""]).encode("latin-1")
    return verdict, len(verdict) + _VERDICT_BYTES


def _headers_of(verdict: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a verdict as a list. Their values contain no line breaks."""
    return [
        (name, value) for name, _, value in (line.partition(b": ") for line in verdict.split(b"\r\n")[1:-2])
    ]


def _inner_scope(scope: Scope, kept: list[tuple[bytes, bytes]], cookies: str, payload: Payload) -> Scope:
    """Return the scope for the application: without the gate's cookies, and with no identity except the gate's."""
    members, headers = payload
    if cookies:
        kept.append((b"cookie", cookies.encode("latin-1")))
    kept += headers
    inner = dict(scope, headers=kept)
    inner |= members
    return inner


# The headers on which the verdict about a cookie depends.
_VERDICT_HEADERS = frozenset({b"cookie", *(name.encode() for name in HANDSHAKE)})


def _plain_cookies(scope: Scope) -> str:
    """Return the ``Cookie`` header, which HTTP/2 may have split (RFC 9113 §8.2.3).

    It is empty for a WebSocket handshake, for which the ``Origin`` has to be checked too.
    """
    pairs = [pair for pair in scope["headers"] if pair[0] in _VERDICT_HEADERS]
    if len(pairs) == 1 and pairs[0][0] == b"cookie":
        found: str = pairs[0][1].decode("latin-1")
        return found
    if any(name != b"cookie" for name, _ in pairs):
        return ""
    return b"; ".join([value for _, value in pairs]).decode("latin-1")


async def _complete_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer_broken(error: ConfigurationError, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse to start and to serve: with settings that cannot work, no request may pass."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    reply = problem(503, "configuration", "The gate is not configured. Its log says what is wrong.")
    await send_reply(reply, scope, Body(receive), send, is_head=scope.get("method") == "HEAD")
