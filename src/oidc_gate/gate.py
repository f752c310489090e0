"""The story: what the gate decides about a request, in order.

Everything starts here. `Gate.recognise` is the path of everybody signed in: one look-up. `Gate.decide` is the
rest, as a generator that yields what it needs of the world (see `effects`) and returns a `Decision`:

1. Is it one of our own endpoints? It answers.
2. Who is it? A session, or a reason why there is none.
3. Signed in: may they enter? On to the application, or 403.
4. Anonymous: is the path public? On to the application, or the sign-in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from . import effects
from .effects import Step
from .endpoints.admission import application_headers, know
from .endpoints.base import Parts, Visit, visit_of
from .endpoints.challenge import challenge, deny
from .endpoints.replies import problem, with_cookies
from .endpoints.trouble import answer_error
from .errors import GateError, SessionError
from .model import Allow, Decision, Reply, Request
from .observe import log
from .session.cache import Known
from .session.lifetime import renew_at
from .settings import Settings

Endpoint = Callable[[Parts, Visit], Step[Reply]]

ENDPOINTS: dict[str, tuple[str, ...]] = {
    "auth": (),  # any method: Nginx asks by GET, but a gate mounted elsewhere is asked with the visitor's own
    "forward": (),
    "sign_in": ("GET", "HEAD"),
    "start": ("GET",),
    "callback": ("GET", "POST"),
    "userinfo": ("GET", "HEAD"),
    "sign_out": ("GET", "POST"),
    "signed_out": ("GET", "HEAD"),
    "unavailable": ("GET", "HEAD"),
    "backchannel_logout": ("POST",),
    "frontchannel_logout": ("GET",),
    "ping": ("GET", "HEAD"),
    "ready": ("GET", "HEAD"),
}
"""Every endpoint below the prefix, and the methods it takes; each is a module of `endpoints`."""

VERDICTS = frozenset({"auth", "forward"})
NEED_NO_SESSION = frozenset({"ping", "ready", "signed_out", "unavailable", "backchannel_logout"})
RENEWED_AGAIN_AFTER_SECONDS = 30


class Gate:
    """One gate: settings, keys, caches, and the decisions that follow from them. Safe under threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.parts = Parts(settings)
        self._cookies = self.parts.cookies
        self._needle = self._cookies.needle
        self._get = self.parts.cache.get
        self.below_prefix = settings.prefix + "/"
        self.auth_path = settings.prefix + "/auth"

    def recognise(self, cookie_header: str, now: float) -> Known | None:
        """Return what is known of the session cookie in `cookie_header`, if it was seen a moment ago.

        The short path: no crypto, no JSON, no effect. Whatever is not plain here is left to `decide`.
        """
        start = cookie_header.find(self._needle)
        if start < 0 or (start and cookie_header[start - 1] not in " ;"):
            return None
        end = cookie_header.find(";", start)
        known = self._get(cookie_header[start + len(self._needle) : end if end >= 0 else None])
        return known if known is not None and now < known.until else None

    def decide(self, request: Request) -> Step[Decision]:
        """Decide about a request that was not recognised. No error leaves this generator but a defect."""
        visit = visit_of(self.parts, request)
        try:
            return (yield from self._decide(visit))
        except GateError as error:
            log.failed(request, error)
            return answer_error(visit, error)

    def _decide(self, visit: Visit) -> Step[Decision]:
        request = visit.request
        if not visit.site.host:
            log.decided(request, "400", "the Host header is missing, repeated or malformed")
            return problem(400, "host_invalid", "The Host header does not name a host.")
        if request.path == self.settings.prefix or request.path.startswith(self.below_prefix):
            return (yield from self._answer_endpoint(visit))
        visit, cookies = yield from self._find_session(visit)
        return self._admit_to_application(visit, cookies)

    def _answer_endpoint(self, visit: Visit) -> Step[Reply]:
        request = visit.request
        name = request.path[len(self.below_prefix) :]
        name = "static" if name.startswith("static/") and name.count("/") == 1 else name
        methods = ENDPOINTS.get(name, ("GET", "HEAD") if name == "static" else None)
        if methods is None or request.is_websocket:
            log.decided(request, "404", "no such endpoint")
            return problem(404, "not_found", "The gate has no such endpoint.")
        if methods and request.method not in methods:
            return problem(
                405, "method_not_allowed", "Another method is expected.", (("Allow", ", ".join(methods)),)
            )
        cookies: tuple[str, ...] = ()
        if name not in NEED_NO_SESSION and name != "static":
            visit, cookies = yield from self._find_session(visit)
        answer: Endpoint = import_module(f".endpoints.{name}", __package__).answer
        reply = yield from answer(self.parts, visit)
        return with_cookies(reply, cookies) if name in VERDICTS and reply.status == 202 else reply

    def _find_session(self, visit: Visit) -> Step[tuple[Visit, tuple[str, ...]]]:
        """Return the visit with its session or the reason why there is none, and the cookie that renews it."""
        cache, header = self.parts.cache, visit.cookie_header
        generation = cache.generation
        try:
            found = yield from self.parts.sessions.read(header)
        except SessionError as error:
            self._explain(visit, error)
            return replace(visit, why=error.code), ()
        now = yield from effects.now()
        known = know(self.parts, found.session)
        cookies: tuple[str, ...] = ()
        if now >= renew_at(found.session, self.settings) and not visit.request.is_websocket:
            session, cookie = yield from self.parts.sessions.renew(found)
            # The browser sends the old cookie until it has the new one, and some proxies never hand it on.
            known.until = min(now + RENEWED_AGAIN_AFTER_SECONDS, known.session.identity.expires_at)
            found, cookies = replace(found, session=session), (cookie,)
        cache.put(found.value, known, generation)
        return replace(visit, found=found), cookies

    def _explain(self, visit: Visit, error: SessionError) -> None:
        if error.code in ("seal_foreign", "seal_forged"):
            log.decided(visit.request, "anonymous", _FOREIGN_COOKIE.format(error.code, self._cookies.main))

    def _admit_to_application(self, visit: Visit, cookies: tuple[str, ...]) -> Decision:
        """Decide about a request for the application itself."""
        request, identity = visit.request, visit.identity
        is_public = self.parts.public.matches(request.method, request.path)
        if identity is None:
            return self._admit_anonymous(visit, is_public)
        if request.is_websocket and not _is_own_origin(visit):
            log.decided(request, "403", "the WebSocket was opened by a page of another origin")
            return problem(403, "origin_not_allowed", "A page of another site may not open this WebSocket.")
        refused = self.parts.entry.refuses(identity)
        if refused and not is_public:
            log.decided(request, "403", f"refused by {refused}")
            return _drained(deny(visit, identity, visit.own_target), request)
        log.decided(request, "on", "public path" if refused else "signed in")
        assert visit.session is not None
        return Allow(identity, application_headers(self.parts, visit.session), cookies)

    def _admit_anonymous(self, visit: Visit, is_public: bool) -> Decision:
        request = visit.request
        if not is_public:
            log.decided(request, "401", visit.why)
            return _drained(challenge(visit, redirects=True), request)
        log.decided(request, "on", "public path")
        signs_in = (lambda: challenge(visit, redirects=True)) if _is_page(visit) else None
        return Allow(None, application_headers(self.parts, None), signs_in=signs_in)


_FOREIGN_COOKIE = (
    "{}: {} was not sealed by this gate; does another gate on this host use the same cookie_name?"
)


def _is_page(visit: Visit) -> bool:
    """Tell whether the application's own 401 would be shown to a person."""
    return visit.audience.value in ("navigation", "frame")


def _is_own_origin(visit: Visit) -> bool:
    """Tell whether a WebSocket was opened by a page of ours; programs send no ``Origin`` (RFC 6455 §10.2)."""
    origins = visit.request.headers.all("origin")
    own = {visit.site.origin, visit.here, *visit.parts.settings.allowed_origins}
    return not origins or (len(origins) == 1 and origins[0].lower() in own)


def _drained(reply: Reply, request: Request) -> Reply:
    return reply if request.method in ("GET", "HEAD") else replace(reply, drains=True)
