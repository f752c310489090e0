"""The decisions of the gate about a request, in order.

Everything starts here. `Gate.admissions` answers the requests of signed-in users with one look-up. `Gate.decide` is
the rest: a generator that yields effects (see `effects`) and returns a `Decision`:

1. Is the request for an endpoint of the gate? The endpoint answers.
2. Which user sent it? There is a session, or a reason why there is none.
3. If the user is signed in and the rules admit them, the application is called.
4. If the user is anonymous or refused: if the path is public, the application is called without an identity. If not,
   an anonymous user is asked to sign in, and a refused user gets 403.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Generic

from . import effects
from .effects import Step
from .endpoints.challenge import challenge, deny
from .endpoints.context import Components, RequestContext, build_context
from .endpoints.cors import answer_preflight, with_cors
from .endpoints.error_pages import answer_error, reason_of, retry_after
from .endpoints.refusals import refused
from .endpoints.responses import bare, problem, with_cookies
from .endpoints.table import ENDPOINTS, SessionUse
from .errors import GateError, SessionError
from .model import Allow, Decision, Reason, Reply, Request
from .observe import current, log
from .policy.identity_headers import application_headers
from .policy.public_paths import reason_without_identity
from .request.forwarded import client_address
from .session.admissions import Admissions, Payload
from .session.lifetime import renew_at
from .session.sessions import LoadedSession
from .syntax.hosts import normal_host

Counted = Callable[[Decision, bool], None]
"""Counts a decision; the second argument says whether it answers an authorization response."""
RenderSession = Callable[[Components, LoadedSession], tuple[Payload, int]]
"""Builds what a shell keeps of a session: `oidc_gate.session.admissions.Render`, with the components as well."""

RENEWED_AGAIN_AFTER_SECONDS = 30
"""How long the cookie from before a renewal is accepted without another renewal. Browsers send the old cookie until
they have received the new one, and some proxies never pass the new one on."""


class Gate(Generic[Payload]):
    """One gate: its settings, keys and caches, and the decisions that follow from them. It is safe under threads.

    Args:
        components: The components of the gate.
        render: Builds what the shell keeps of a session, so that the next request with the same cookie needs no work.
            It is called once for each cookie.

    Attributes:
        admissions: The sessions that were recently admitted. A request without an admission needs `decide`.
        counted: Called with each decision; None if there are no metrics.
    """

    def __init__(self, components: Components, render: RenderSession[Payload]) -> None:
        self.settings = settings = components.settings
        self.components = components
        self.admissions: Admissions[Payload] = Admissions(
            self.components.sessions,
            self.components.cache,
            settings,
            refuses=self.components.access.refuses,
            render=partial(render, self.components),
        )
        self.below_prefix = settings.prefix + "/"
        self._callback = self.below_prefix + "callback"
        self.counted: Counted | None = None

    def is_plainly_public(self, method: str, host: str, path: str, raw_path: str) -> bool:
        """Return whether a request without a session may pass to the application unchanged, without a decision.

        Such requests are not logged. If the log shows every decision, the result is always False.

        Args:
            host: The ``Host`` header.
            path: The path without a mount, which is not the path of an endpoint of the gate.
            raw_path: The path as the client sent it. If it differs from `path`, the result is False.
        """
        if raw_path != path or log.is_verbose():
            return False
        if not self.settings.public_url and not normal_host(host, "https"):
            return False
        return self.components.public.matches(method, path, raw_path)

    def replace_401(self, request: Request) -> Reply | None:
        """Return what replaces the application's own 401 to a plainly public request, or None if the 401 is kept."""
        decision = self.decide_at_once(request)
        return (
            decision.replacement_for_401()
            if isinstance(decision, Allow) and decision.replacement_for_401
            else None
        )

    def decide_at_once(self, request: Request) -> Decision | None:
        """Decide about a request without a session cookie, and log the reason. Return None if `decide` is needed.

        Such a decision needs no effects, and therefore no generator. It has to be cheap, because any client can send
        any number of such requests.
        """
        main = self.components.cookies.main
        if self.is_endpoint(request) or any(main in header for header in request.headers.all("cookie")):
            return None
        context = build_context(self.components, request)
        if not context.site.host:
            return None
        return self._finish(context, self._admit_to_application(context, ()))

    def decide(self, request: Request) -> Step[Decision]:
        """Decide about a request that has no admission, and log the reason.

        Every `GateError` becomes a reply. Any other exception that leaves this generator is an error in this package.
        """
        context = build_context(self.components, request)
        current.set_request_id(context.request.request_id)
        return self._finish(*(yield from self._decide_or_answer_error(context)))

    def _decide_or_answer_error(self, context: RequestContext) -> Step[tuple[RequestContext, Decision]]:
        try:
            return (yield from self._decide(context))
        except GateError as error:
            if not self._asks_for_verdict(context.request):
                return context, answer_error(context, error)
            # A proxy that asks for a verdict cannot show a page. It refuses the request if the status is 503.
            return context, replace(bare(503, retry_after(error)), reason=reason_of(error))

    def _finish(self, context: RequestContext, decision: Decision) -> Decision:
        """Return a decision with its CORS headers, log the reason for it, and count it."""
        decision = with_cors(context, decision) if isinstance(decision, Reply) else decision
        request, trusted = context.request, self.components.trusted
        is_callback = request.path == self._callback
        log.decided(
            request,
            decision,
            identity=context.identity,
            client=lambda: client_address(request, trusted),
            is_callback=is_callback,
        )
        if self.counted is not None:
            self.counted(decision, is_callback)
        return decision

    def is_endpoint(self, request: Request) -> bool:
        """Return whether `request` is for an endpoint of the gate."""
        return request.path == self.settings.prefix or request.path.startswith(self.below_prefix)

    def _asks_for_verdict(self, request: Request) -> bool:
        endpoint = ENDPOINTS.get(request.path.removeprefix(self.below_prefix))
        return endpoint is not None and endpoint.session is SessionUse.VERDICT

    def _decide(self, context: RequestContext) -> Step[tuple[RequestContext, Decision]]:
        """Return the decision, and the context with the session that was found."""
        request = context.request
        if not context.site.host:
            raise GateError("host_invalid", "The Host header does not name a host.", status=400)
        if self.is_endpoint(request):
            return (yield from self._answer_endpoint(context))
        renews = self.components.sessions.are_stored or not request.is_websocket
        context, cookies = yield from self._find_session(context, renews=renews)
        return context, self._admit_to_application(context, cookies)

    def _answer_endpoint(self, context: RequestContext) -> Step[tuple[RequestContext, Reply]]:
        request = context.request
        name = request.path[len(self.below_prefix) :]
        name = "static" if name.startswith("static/") and name.count("/") == 1 else name
        endpoint = ENDPOINTS.get(name)
        if endpoint is None or (name == "metrics" and self.settings.metrics_token is None):
            return context, problem(404, "not_found", "The gate has no such endpoint.").because("not_found")
        if endpoint.methods and request.method not in endpoint.methods:
            allow = (("Allow", ", ".join(endpoint.methods)),)
            reply = problem(405, "method_not_allowed", "Another method is expected.", allow)
            return context, reply.because("method_not_allowed")
        if name in ("sign_in", "start"):
            self.components.sign_in_watch.sign_in_requested()
        cookies: tuple[str, ...] = ()
        if endpoint.session is not SessionUse.NONE:
            context, cookies = yield from self._find_session(
                context,
                renews=endpoint.session is SessionUse.VERDICT,
                refreshes=endpoint.session in (SessionUse.FRESH, SessionUse.VERDICT),
            )
        reply = yield from endpoint.answer(self.components, context)
        # Only a 202 can carry the renewed cookie; with any other status it is not sent.
        return context, with_cookies(reply, cookies) if reply.status == 202 else reply

    def _find_session(
        self, context: RequestContext, *, renews: bool, refreshes: bool = True
    ) -> Step[tuple[RequestContext, tuple[str, ...]]]:
        """Return the context with its session, or with the reason why there is none, and the cookies that renew it.

        Args:
            renews: Whether the request renews the session, and the response can carry these cookies. If not, a session
                that is due for renewal stays due.
            refreshes: Whether the provider is asked about the user if a refresh is due.
        """
        if self.components.cookies.main not in context.cookie_header:
            return context, ()
        if (recent := (yield from self._recently_loaded(context.cookie_header))) is not None:
            return replace(context, loaded=recent), ()
        generation = self.admissions.generation
        try:
            loaded = yield from self.components.sessions.read(context.cookie_header)
            if (refresher := self.components.refresher) is not None:
                if refreshes:
                    loaded = yield from refresher.keep_fresh(loaded)
                else:
                    loaded = refresher.with_refresh_time(loaded)
        except SessionError as error:
            return replace(context, reason=self._explain(error)), ()
        until = renew_at(loaded.session, self.settings)
        # The session was read from the store although it has an admission. This client therefore sends requests that an
        # admission does not answer, such as `/oauth2/forward`, and will probably send more.
        is_read_again = loaded.stored is not None and self.admissions.lookup(loaded.value) is not None
        if loaded.at < until:
            self.admissions.keep(loaded, until, generation, with_session=is_read_again)
        if loaded.at < until or not renews:
            return replace(context, loaded=loaded), ()
        self.admissions.keep(loaded, loaded.at + RENEWED_AGAIN_AFTER_SECONDS, generation)
        try:
            written = yield from self.components.sessions.renew(loaded)
        except SessionError as error:
            self.components.cache.forget(loaded.end_key)
            return replace(context, reason=self._explain(error)), ()
        renewed = loaded._replace(session=written.session)
        self.admissions.seen(renewed)
        if not written.set_cookies and loaded.at < (until := renew_at(written.session, self.settings)):
            # The session is in a store: its cookie stays the same, and is now valid for longer.
            self.admissions.keep(renewed, until, generation, with_session=is_read_again)
        return replace(context, loaded=renewed), written.set_cookies

    def _recently_loaded(self, cookie_header: str) -> Step[LoadedSession | None]:
        """Return the session of a request if its admission holds it, or None. See `Admissions.loaded`."""
        ends = self.components.ends
        if ends is None or not ends.is_current():
            return None
        now = yield from effects.now()
        values = self.components.cookies.find(cookie_header, self.components.cookies.main)
        return self.admissions.loaded(values[0], now) if values else None

    def _explain(self, error: SessionError) -> Reason:
        is_foreign = error.code in ("seal_foreign", "seal_forged")
        return Reason(
            error.code, detail=_FOREIGN_COOKIE.format(self.components.cookies.main) if is_foreign else ""
        )

    def _admit_to_application(self, context: RequestContext, cookies: tuple[str, ...]) -> Decision:
        """Decide about a request for the application."""
        request, identity = context.request, context.identity
        is_public = not request.is_ambiguous and self.components.public.matches(
            request.method, request.path, request.raw_path
        )
        if identity is None or context.refused_by:
            return self._admit_without_identity(context, is_public, cookies)
        if request.is_websocket and context.has_foreign_origin:
            message = "A page of another origin may not open this WebSocket."
            return problem(403, "origin_not_allowed", message).because("origin_not_allowed")
        assert context.session is not None
        headers = application_headers(self.components.settings, context.session)
        return Allow(
            identity,
            headers,
            cookies,
            reason=Reason("signed_in"),
            session=context.session,
            loaded=context.loaded,
            request_id=request.request_id,
        )

    def _admit_without_identity(
        self, context: RequestContext, is_public: bool, cookies: tuple[str, ...]
    ) -> Decision:
        """Decide about an anonymous or a refused user. The application sees no difference between them."""
        request, refused_by, identity = context.request, context.refused_by, context.identity
        reason = refused(context, identity, refused_by) if identity and refused_by else context.reason
        if not is_public:
            refusal = replace(_drained(_refusal(context), request), reason=reason)
            return answer_preflight(context) or refusal
        replacement_for_401 = (lambda: _refusal(context)) if _is_page(context) else None
        headers = application_headers(self.components.settings, None)
        return Allow(
            None,
            headers,
            cookies,
            replacement_for_401,
            reason_without_identity(refused_by, reason.notes),
            request_id=request.request_id,
        )


_FOREIGN_COOKIE = "{} was not sealed by this gate; does another gate on this host use the same cookie_name?"


def _refusal(context: RequestContext) -> Reply:
    """Return 403 for a refused user, for whom signing in again would not help, and the sign-in for an anonymous one."""
    if context.identity is not None:
        return deny(context, context.identity, context.own_target)
    return challenge(context, context.own_target, redirects=True)


def _is_page(context: RequestContext) -> bool:
    """Return whether a browser would show the application's own 401 to the user."""
    return context.audience.value in ("navigation", "frame")


def _drained(reply: Reply, request: Request) -> Reply:
    """Return `reply`, before which the body of `request` is read if it may have one."""
    return reply if request.method in ("GET", "HEAD") else replace(reply, drains=True)
