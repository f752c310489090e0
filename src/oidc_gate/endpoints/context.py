"""What every endpoint is given: the gate's parts, and the visit that it answers."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from ..effects import Step
from ..model import Identity, Reason, Request, Session
from ..policy.access import AccessRules
from ..policy.public_paths import PublicPaths
from ..policy.requirements import Requirements
from ..provider.client import Provider
from ..request.forwarded import Site, TrustedProxies, browser_host, site_of
from ..request.navigation import Audience, audience_of, is_from_browser
from ..request.return_to import own_address, safe_target
from ..seal import KeyRing, Sealer, Signer
from ..session.cache import SessionCache
from ..session.cookie_jar import Cookies
from ..session.cookie_sessions import CookieSessions, LoadedSession
from ..session.revocation import revoke_session
from ..settings import Settings
from ..syntax.hosts import normal_host


class Components:
    """What a gate is made of. Built once; immutable but for the caches, which lock by themselves."""

    def __init__(self, settings: Settings) -> None:
        binding = (settings.issuer, settings.client_id)
        ring = KeyRing(settings.cookie_secret, binding=binding)
        self.settings = settings
        self.cookies = Cookies(settings)
        self.provider = Provider(settings)
        self.provider_name = settings.provider_name or settings.issuer.split("/")[2]
        self.sessions = CookieSessions(settings, self.cookies, ring, self.provider_name)
        self.cache: SessionCache[Any] = SessionCache(
            settings.session_cache_entries, settings.session_cache_bytes
        )
        self.flow_sealers: tuple[Sealer, ...] = tuple(
            ring.sealer("flow", name) for name in self.cookies.flows
        )
        self.state_sealer = ring.sealer("state", self.cookies.main)
        self.sign_out_tokens = Signer(settings.cookie_secret, "sign_out form", binding=binding)
        self.logout_states = Signer(settings.cookie_secret, "logout state", binding=binding)
        self.public = PublicPaths(settings.public_paths)
        self.access = AccessRules(settings)
        self.requirements = Requirements()
        self.trusted = TrustedProxies(settings.trusted_proxies)

    def below(self, prefix: str) -> Components:
        """Return the same parts for the same gate at another prefix: it shares the provider and every cache."""
        components = copy(self)
        components.settings = replace(self.settings, prefix=prefix)
        return components

    def end_session(self, session: Session) -> Step[None]:
        """End this very session: for every copy of its cookie, and for what is remembered of it."""
        yield from revoke_session(session)
        self.cache.forget(session.identity.session_id)


NO_COOKIE = Reason("no_cookie")


@dataclass(frozen=True)
class RequestContext:
    """One request, with what was found out about it before anybody answers.

    Args:
        site: Where a browser reaches the gate's own endpoints.
        loaded: The session, if one is on, whether or not the person may enter.
        reason: Why there is no session.
    """

    components: Components
    request: Request
    site: Site
    loaded: LoadedSession | None = None
    reason: Reason = NO_COOKIE

    @property
    def session(self) -> Session | None:
        """The session that is on, or None."""
        return self.loaded.session if self.loaded else None

    @property
    def identity(self) -> Identity | None:
        """Who is signed in, or None."""
        return self.loaded.session.identity if self.loaded else None

    @cached_property
    def refused_by(self) -> str | None:
        """The name of the rule that refuses the signed-in user; None for an admitted user and without a session.

        To the application a refused user does not exist: it must not see `identity`, not on a public path either.
        """
        return self.components.access.refuses(self.identity) if self.identity else None

    @cached_property
    def audience(self) -> Audience:
        """What kind of answer this request can use."""
        return audience_of(self.request)

    def as_first_sent(self, header: str) -> RequestContext:
        """Return the visit with the method that `header` names, the one that the visitor used, if it comes.

        Nobody has to be trusted for it: it decides what kind of answer the visitor can use, and nothing else.
        """
        method = self.request.headers.get(header) or self.request.method
        return replace(self, request=replace(self.request, method=method))

    @cached_property
    def cookie_header(self) -> str:
        """The ``Cookie`` header, whole.

        WSGI servers join two headers with a comma, which also stands inside cookies. A browser sends one header
        (RFC 6265 §5.4), so that only from other clients a comma in front of a cookie of ours is such a joint.
        """
        header = "; ".join(self.request.headers.all("cookie"))
        if is_from_browser(self.request.headers):
            return header
        return self.components.cookies.separated(header)

    def path_to(self, endpoint: str) -> str:
        """Return the path of an endpoint in the browser's eyes, below whatever host it used."""
        return f"{self.site.mount}{self.components.settings.prefix}/{endpoint}"

    def url_of(self, endpoint: str) -> str:
        """Return the absolute URL of an endpoint at the gate's own origin, as registered with the provider."""
        return self.site.origin + self.path_to(endpoint)

    def link_to(self, endpoint: str, **query: str) -> str:
        """Return what a page links to: a path, or a URL where the page is shown on another host of ours."""
        base = self.path_to(endpoint) if self.browser_origin == self.site.origin else self.url_of(endpoint)
        return f"{base}?{urlencode(query, quote_via=quote, safe='/')}" if query else base

    @cached_property
    def browser_origin(self) -> str:
        """The origin that the browser used.

        That of the site, unless ``Host``, or a trusted proxy, names one of `allowed_redirect_hosts`: one gate for
        several sub-domains.
        """
        host = normal_host(browser_host(self.request, self.components.trusted), self.site.scheme)
        if not host or host == self.site.host:
            return self.site.origin
        other = f"{self.site.scheme}://{host}"
        return other if safe_target(other + "/", self.site, self.components.settings) else self.site.origin

    @property
    def has_foreign_origin(self) -> bool:
        """Whether a page of another origin made this request. Clients that are no browser send no ``Origin``.

        Spec: RFC 6455 §10.2.
        """
        origins = self.request.headers.all("origin")
        own = {self.site.origin, self.browser_origin, *self.components.settings.allowed_origins}
        return bool(origins) and not (len(origins) == 1 and origins[0].lower() in own)

    @property
    def default_target(self) -> str:
        """Where to go when no better place is known."""
        top = self.absolute(self.site.mount + "/")
        # a mount may hold what a client chose
        return safe_target(top, self.site, self.components.settings) or "/"

    @property
    def own_target(self) -> str:
        """The address of this very request in the browser's eyes, judged; home if it is not fit to return to."""
        return self.safe_target_or_default(own_address(self.request, self.site))

    @property
    def referring_page(self) -> str:
        """The page of ours that sent this request; home where it is not told, or not ours."""
        referer = self.request.headers.get("referer")
        return (
            self.safe_target_or_default(referer)
            if referer.startswith(self.browser_origin + "/")
            else self.default_target
        )

    def safe_target_or_default(self, target: str) -> str:
        """Return `target` if it is one of ours, else home."""
        return safe_target(self.absolute(target), self.site, self.components.settings) or self.default_target

    def absolute(self, target: str) -> str:
        """Return a path as an absolute URL where the browser is on another host of ours than the gate."""
        on_other_host = target.startswith("/") and self.browser_origin != self.site.origin
        return self.browser_origin + target if on_other_host else target


def build_context(components: Components, request: Request) -> RequestContext:
    """Return the visit of `request`, before its session was looked at."""
    return RequestContext(components, request, site_of(request, components.settings, components.trusted))
