"""A session for tests at one gate, and a class of gates that adds it to every request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .. import asgi, wsgi
from ..effects import Step
from ..model import Identity, Session
from ..runtime.driver import run
from ..session.lifetime import renew_at
from ..session.sessions import Sessions, Written
from ..shells.asgi_messages import Receive, Scope, Send
from ..shells.common import Runtime
from ..shells.wsgi_messages import Environ, StartResponse
from .live_servers import server_behind

Gate = asgi.OIDCGate | wsgi.OIDCGate


class TestSession:
    """The session cookies of one identity at one gate. They never expire by the gate's own clock."""

    __test__ = False  # pytest would take this for a test class

    def __init__(self, gate: Gate, identity: Identity, access_token: str) -> None:
        self._runtime = runtime_of(gate)
        self._identity = identity
        self._access_token = access_token
        self._renew_at = 0
        self._session: Session | None = None
        self._cookies = ""
        self.refused_server = ""

    def refuse_server(self, server: str) -> None:
        """Refuse a request that a server passes on, because any client may have sent it.

        Raises:
            RuntimeError: `server` is not empty.
        """
        if server:
            self.refused_server = server
            raise self.server_error()

    def server_error(self) -> RuntimeError:
        """Return the error that says what to do with a live server."""
        return RuntimeError(
            f"signed_in: {self.refused_server} serves this application, and all of its clients would be signed in. "
            'Fix: in tests with a live server, send the header {"Cookie": session_cookie(app, email=...)} instead'
        )

    def session(self) -> Session:
        """Return the session. It is started again when it would be due for renewal."""
        components = self._runtime.gate.components
        now = int(self._runtime.world.clock())
        if self._session is None or not self._session.started_at <= now < self._renew_at:
            ends = now + components.settings.session_lifetime_seconds
            identity = replace(
                self._identity,
                issuer=components.settings.issuer,
                provider=components.provider_name,
                authenticated_at=now,
                expires_at=ends,
            )
            session = Session(
                identity, now, now, access_token=self._access_token, access_token_expires_at=ends
            )
            self._session, written = run(_write(components.sessions, session), self._runtime.world, _no_body)
            pairs = (cookie.partition(";")[0] for cookie in written)
            self._cookies = "; ".join(pair for pair in pairs if not pair.endswith("="))
            self._renew_at = renew_at(self._session, components.settings)
        return self._session

    def add_to(self, cookie_header: str) -> str:
        """Return a ``Cookie`` header that contains this session, and no other session of this gate."""
        self.session()
        others = self._runtime.gate.components.cookies.without_gate_cookies(cookie_header)
        return f"{self._cookies}; {others}" if others else self._cookies


def _write(sessions: Sessions, session: Session) -> Step[Written]:
    if sessions.are_stored:  # the row of the same session that would be due for renewal
        yield from sessions.end(session)
    session = yield from sessions.begin(session)
    return (yield from sessions.write(session))


def _no_body(limit: int) -> bytes:
    return b""


def runtime_of(gate: Gate) -> Runtime[Any]:
    """Return the runtime of `gate`, or raise its `ConfigurationError` if its settings cannot work."""
    broken = vars(gate).get("_broken")
    if broken is not None:
        raise broken
    return gate._runtime


def subclass_for(kind: type[Gate], session: TestSession) -> Any:
    """Return a subclass of `kind` that adds `session` to every request."""
    if issubclass(kind, wsgi.OIDCGate):

        class SignedInWSGI(wsgi.OIDCGate):
            def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
                session.refuse_server(server_behind(environ, start_response))
                stamped = {**environ, "HTTP_COOKIE": session.add_to(environ.get("HTTP_COOKIE", ""))}
                return super().__call__(stamped, start_response)

        return SignedInWSGI

    class SignedInASGI(asgi.OIDCGate):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] in ("http", "websocket"):
                session.refuse_server(server_behind(scope, receive, send))
                rest = [pair for pair in scope["headers"] if pair[0] != b"cookie"]
                sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
                cookie = session.add_to(sent.decode("latin-1")).encode("latin-1")
                scope = {**scope, "headers": [*rest, (b"cookie", cookie)]}
            await super().__call__(scope, receive, send)

    return SignedInASGI
