"""The two arguments of every endpoint: the components of the gate, and the context of the request."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ..effects import Step
from ..model import Identity, Reason, Request, Session
from ..policy.access import AccessRules
from ..policy.public_paths import PublicPaths
from ..policy.refusals import ExplainedRefusals
from ..policy.requirements import Requirements
from ..provider.client import Provider
from ..provider.revocation import TokenRevocations
from ..refresh.refresher import Refresher
from ..request.forwarded import Site, TrustedProxies, browser_host, site_of
from ..request.navigation import Audience, audience_of, is_from_browser
from ..request.request_id import with_request_id
from ..request.return_to import is_lost, own_address, rd_parameters, safe_target
from ..request.sign_in_watch import SignInWatch
from ..seal import KeyRing, Sealer, Signer
from ..session.cache import SessionCache
from ..session.cookie_jar import Cookies
from ..session.cookie_sessions import CookieSessions
from ..session.ends import Ends
from ..session.freshness import is_needed
from ..session.revocation import OwnRevocations, Revocations
from ..session.sessions import LoadedSession, Sessions
from ..session.shared_revocations import SharedRevocations
from ..session.store_health import StoreHealth
from ..session.stored_sessions import StoredSessions
from ..settings import Settings
from ..store.base import Store
from ..syntax.hosts import normal_host
from ..syntax.lazy import lazy


class Components:
    """The components of a gate.

    They are created once and are immutable, except for the caches, which have their own locks.

    Args:
        store: The session store, or the store of revocations; None if there is neither.
    """

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        binding = (settings.issuer, settings.client_id)
        ring = KeyRing(settings.cookie_secret, binding=binding)
        self.settings = settings
        self.cookies = Cookies(settings)
        self.provider = Provider(settings)
        self.provider_name = settings.provider_name or settings.issuer.split("/")[2]
        self.cache: SessionCache[Any] = SessionCache(
            settings.session_cache_entries, settings.session_cache_bytes
        )
        self.ends = None if store is None else Ends(store, self.cache)
        self.stored_sessions: StoredSessions | None = None
        if self.ends is not None and settings.session_store != "cookie":
            self.stored_sessions = StoredSessions(settings, self.cookies, ring, self.provider_name, self.ends)
        self.sessions: Sessions = self.stored_sessions or self._cookie_sessions(ring)
        self.store_health = None if self.ends is None else StoreHealth(self.ends)
        self.flow_sealers: tuple[Sealer, ...] = tuple(
            ring.sealer("flow", name) for name in self.cookies.flows
        )
        self.state_sealer = ring.sealer("state", self.cookies.main)
        self.sign_out_tokens = Signer(settings.cookie_secret, "sign_out form", binding=binding)
        self.logout_states = Signer(settings.cookie_secret, "logout state", binding=binding)
        self.logout_target_sealer = ring.sealer("logout target")
        self.token_revocations = TokenRevocations(self.provider)
        self.public = PublicPaths(settings.public_paths)
        self.access = AccessRules(settings)
        self.refresher: Refresher | None = None
        if self.stored_sessions is not None and is_needed(settings):
            self.refresher = Refresher(
                settings, self.provider, self.provider_name, self.stored_sessions, self.access, self.cache
            )
        self.requirements = Requirements()
        self.refusals = ExplainedRefusals()
        self.sign_in_watch = SignInWatch()
        self.trusted = TrustedProxies(settings.trusted_proxies)

    def _cookie_sessions(self, ring: KeyRing) -> CookieSessions:
        settings = self.settings
        revocations: Revocations = (
            OwnRevocations(settings)
            if self.ends is None
            else SharedRevocations(settings, ring, self.cookies.main, self.ends)
        )
        return CookieSessions(settings, self.cookies, ring, self.provider_name, revocations)

    def below(self, prefix: str) -> Components:
        """Return the same components for another prefix. They share the provider and every cache."""
        components = copy(self)
        components.settings = replace(self.settings, prefix=prefix)
        return components

    def end_session(self, loaded: LoadedSession) -> Step[None]:
        """End one session: for every copy of its cookie, and in the cache."""
        yield from self.sessions.end(loaded.session)
        self.cache.forget(loaded.end_key)


NO_COOKIE = Reason("no_cookie")


@dataclass(frozen=True)
class RequestContext:
    """One request, and what was determined about it before an endpoint answers.

    Args:
        site: The URL at which the browser reaches the gate's own endpoints.
        loaded: The session, if there is a valid one, whether or not its user may enter.
        reason: The reason why there is no session.
    """

    components: Components
    request: Request
    site: Site
    loaded: LoadedSession | None = None
    reason: Reason = NO_COOKIE

    @property
    def session(self) -> Session | None:
        """Return the valid session, or None."""
        return self.loaded.session if self.loaded else None

    @property
    def identity(self) -> Identity | None:
        """Return the identity of the signed-in user, or None."""
        return self.loaded.session.identity if self.loaded else None

    @lazy
    def refused_by(self) -> str | None:
        """Return the name of the rule that refuses the signed-in user.

        It is None for an admitted user and without a session. The application must not see the `identity` of a refused
        user, not even on a public path.
        """
        return self.components.access.refuses(self.identity) if self.identity else None

    @lazy
    def audience(self) -> Audience:
        """Return the kind of answer that the client can use."""
        return audience_of(self.request)

    @property
    def may_be_framed(self) -> bool:
        """Return whether a frame may show the answer.

        It may if the browser does not say that it loads a frame. Old browsers never do, and none does over plain http.
        """
        return self.request.headers.get("sec-fetch-dest") != "document"

    def as_first_sent(self, header: str) -> RequestContext:
        """Return the context with the method that `header` names, which is the method of the client's own request.

        The header is not trusted: it only selects the kind of answer that the client gets.
        """
        method = self.request.headers.get(header) or self.request.method
        return replace(self, request=replace(self.request, method=method))

    @lazy
    def cookie_header(self) -> str:
        """Return the complete ``Cookie`` header.

        WSGI servers join two headers with a comma, which cookies may also contain. A browser sends one header (RFC
        6265 §5.4). Therefore a comma in front of a cookie of the gate separates two headers only for other clients.
        """
        header = "; ".join(self.request.headers.all("cookie"))
        if is_from_browser(self.request.headers):
            return header
        return self.components.cookies.separated(header)

    def path_to(self, endpoint: str) -> str:
        """Return the path of an endpoint as the browser sees it, on whatever host it used."""
        return f"{self.site.mount}{self.components.settings.prefix}/{endpoint}"

    def url_of(self, endpoint: str, **query: str) -> str:
        """Return the absolute URL of an endpoint on the gate's own origin, as registered at the provider."""
        return self.site.origin + self.path_to(endpoint) + self._query_string(query)

    def link_to(self, endpoint: str, **query: str) -> str:
        """Return the target of a link: a path, or a URL if the page is shown on another allowed host."""
        if self.browser_origin != self.site.origin:
            return self.url_of(endpoint, **query)
        return self.path_to(endpoint) + self._query_string(query)

    @lazy
    def browser_origin(self) -> str:
        """Return the origin that the browser used.

        It is that of the site, unless ``Host`` or a trusted proxy names one of `allowed_redirect_hosts`, as with one
        gate for several sub-domains.
        """
        host = normal_host(browser_host(self.request, self.components.trusted), self.site.scheme)
        if not host or host == self.site.host:
            return self.site.origin
        other = f"{self.site.scheme}://{host}"
        return other if safe_target(other + "/", self.site, self.components.settings) else self.site.origin

    @property
    def is_on_other_host(self) -> bool:
        """Return whether ``Host`` names neither the host of ``public_url`` nor one of `allowed_redirect_hosts`."""
        host = normal_host(browser_host(self.request, self.components.trusted), self.site.scheme)
        return bool(host) and host != self.site.host and self.browser_origin == self.site.origin

    @property
    def has_foreign_origin(self) -> bool:
        """Return whether a page of another origin sent this request. Clients other than browsers send no ``Origin``.

        Spec: RFC 6455 §10.2.
        """
        origins = self.request.headers.all("origin")
        own = {self.site.origin, self.browser_origin, *self.components.settings.allowed_origins}
        return bool(origins) and not (len(origins) == 1 and origins[0].lower() in own)

    @property
    def default_target(self) -> str:
        """Return the target of a sign-in for which no other target is known."""
        if not self.site.mount and self.browser_origin == self.site.origin:
            return "/"
        top = self.absolute(self.site.mount + "/")
        # A mount may contain text that a client chose.
        return safe_target(top, self.site, self.components.settings) or "/"

    @property
    def own_target(self) -> str:
        """Return the target of a sign-in that this request leads to, as `target_after_sign_in` does."""
        return self.target_after_sign_in(own_address(self.request, self.site))

    def target_after_sign_in(self, address: str, rd: str = "") -> str:
        """Return where the sign-in that an answer offers leads to, which is always a page that a user can look at.

        A page load leads back to its own address. A script, a form and a frame lead to the page that sent the request:
        the address of an API shows data, not a page, and that of a form cannot be opened again.

        Args:
            address: The address that was requested, not validated.
            rd: The target that a script without such a page asked for, not validated.
        """
        if self.audience is Audience.NAVIGATION:
            return self.safe_target_or_default(address)
        otherwise = address if self.audience is Audience.FRAME else rd
        return self._sending_page() or self.safe_target_or_default(otherwise)

    def _sending_page(self) -> str | None:
        """Return the page that sent this request, or None if it is unknown or on a host that is not allowed."""
        headers = self.request.headers
        current = headers.get("hx-current-url") if self.audience is Audience.HTMX else ""
        for page in (current, headers.get("referer")):
            target = safe_target(page, self.site, self.components.settings) if "://" in page else None
            if target is not None:
                return target
        return None

    def safe_target_or_default(self, target: str) -> str:
        """Return `target` if it is a safe target, and the default target otherwise."""
        return safe_target(self.absolute(target), self.site, self.components.settings) or self.default_target

    def _query_string(self, query: dict[str, str]) -> str:
        if "rd" in query:
            rd, default = query.pop("rd"), self.default_target
            is_unfit = rd == default and self.is_address_lost
            query |= {"lost": "1", "rd": rd} if is_unfit else rd_parameters(rd, default)
        pairs = [f"{name}={quote(value)}" for name, value in query.items()]
        return "?" + "&".join(pairs) if pairs else ""

    @property
    def is_address_lost(self) -> bool:
        """Return whether the requested page cannot be a target. Its path begins with ``//``, or the link names none."""
        headers = self.request.headers
        reported = (headers.get("x-auth-request-redirect"), headers.get("x-forwarded-uri"))
        has_slashes = any(path.startswith("//") for path in (own_address(self.request, self.site), *reported))
        return (has_slashes or is_lost(self.request.query)) and self.audience is Audience.NAVIGATION

    def absolute(self, target: str) -> str:
        """Return a path as an absolute URL if the browser is on another allowed host than the gate."""
        on_other_host = target.startswith("/") and self.browser_origin != self.site.origin
        return self.browser_origin + target if on_other_host else target


def build_context(components: Components, request: Request) -> RequestContext:
    """Return the context of `request`, without a session yet."""
    request = with_request_id(request, components.trusted)
    return RequestContext(components, request, site_of(request, components.settings, components.trusted))
