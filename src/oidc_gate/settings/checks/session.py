"""Checks of the session, its secrets and its cookie."""

from __future__ import annotations

import re

from ...store.base import StoreURLError
from ...syntax.hosts import is_ip, normal_hostname
from ..report import Derived, Draft, Findings, unusable, wrong

MIN_SECRET = 43  # 32 random bytes in base64url
_MIN_DIFFERENT_CHARACTERS = 5
_EXAMPLE = re.compile(
    r"change-?_?me|replace[-_ ]|example|your[-_ ]cookie|oidc[-_ ]gate[-_ ]secret|insert[-_ ]", re.I
)
_COOKIE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_COOKIE_PREFIX = re.compile(r"__(?:host|secure|http|host-http)-", re.IGNORECASE)  # RFC 6265bis §4.1.3


def check_cookie_secret(draft: Draft) -> Findings:
    """Check that the secrets that seal the session cannot be guessed. None of them is ever shown."""
    secrets = draft.settings.cookie_secret
    for secret in secrets:
        if len(secret) < MIN_SECRET:
            yield wrong("cookie_secret", "secret_short", length=len(secret))
        elif len(set(secret)) < _MIN_DIFFERENT_CHARACTERS:
            yield wrong("cookie_secret", "secret_simple")
        if _EXAMPLE.search(secret):
            yield wrong("cookie_secret", "secret_example")
        if secret == draft.settings.client_secret:
            yield wrong("cookie_secret", "secret_shared")
    if len(set(secrets)) < len(secrets):
        yield wrong("cookie_secret", "secret_repeated")


def check_lifetimes(draft: Draft) -> Findings:
    """Check that a session cannot be idle for longer than it lasts."""
    lifetime, idle = draft.settings.session_lifetime_seconds, draft.settings.session_idle_seconds
    if idle <= lifetime:
        return
    if "session_idle_seconds" not in draft.sources:
        yield Derived("session_idle_seconds", lifetime)
    else:
        because = ("session_lifetime_seconds",)
        yield wrong(
            "session_idle_seconds", "idle_over_lifetime", because=because, value=idle, lifetime=lifetime
        )


def check_store(draft: Draft) -> Findings:
    """Check the URLs of the stores, the directory of a file, and the packages. No connection is opened."""
    settings = draft.settings
    for name, url in (
        ("session_store", settings.session_store),
        ("revocation_store", settings.revocation_store),
    ):
        if url is None or (name, url) == ("session_store", "cookie"):
            continue
        if error := _store_error(url):
            instead = error.instead if name == "revocation_store" else f"write cookie, or: {error.instead}"
            yield from unusable(name, "store_url", what=error.what, instead=instead)
    is_stored = settings.session_store != "cookie"
    if settings.keep_id_token is None:
        yield Derived("keep_id_token", is_stored)
    if is_stored and settings.revocation_store is not None:
        why = "session_store is a store already, in which sessions end everywhere"
        yield wrong("revocation_store", "unused", because=("session_store",), why=why, hint="remove it")


def check_refresh(draft: Draft) -> Findings:
    """Check that sessions that are refreshed are in a store.

    A refresh token that can be used only once cannot be in a cookie, because two requests of a browser would both use
    it.
    """
    settings = draft.settings
    if settings.refresh_required and not settings.refresh and not settings.recheck_seconds:
        why, hint = (
            "neither refresh nor recheck_seconds is set",
            "set refresh or recheck_seconds too, or remove it",
        )
        yield wrong("refresh_required", "unused", why=why, hint=hint)
    if settings.session_store != "cookie":
        return
    for name in ("refresh", "recheck_seconds"):
        if getattr(settings, name):
            yield wrong(name, "needs_store", because=("session_store",))


def _store_error(url: str) -> StoreURLError | None:
    """Return the reason why `url` cannot be used, without its password, or None if it can."""
    from ...store.urls import open_store  # loads SQLite, which a gate without a store does not need

    if url.lower().startswith("memory:"):
        return StoreURLError(
            "memory:// is for tests: no other process sees it", "name a file: sqlite:///path"
        )
    try:
        open_store(url)
    except StoreURLError as error:
        return error
    return None


_REVOKES_MORE = ("https://accounts.google.com",)
"""Providers at which the revocation of one token revokes the tokens of all sessions of the user with this client."""


def check_revocation(draft: Draft) -> Findings:
    """Decide whether tokens are revoked at sign-out, if the settings do not say so."""
    if draft.settings.revoke_tokens is None:
        yield Derived("revoke_tokens", draft.settings.issuer not in _REVOKES_MORE)


def check_cookie_name(draft: Draft) -> Findings:
    """Check the name of the cookie.

    Spec: RFC 6265bis §4.1.3.
    """
    name = draft.settings.cookie_name
    if prefix := _COOKIE_PREFIX.match(name):
        yield wrong("cookie_name", "cookie_name_prefixed", value=name, prefix=prefix[0])
    elif not _COOKIE_NAME.fullmatch(name):
        yield wrong("cookie_name", "cookie_name_malformed", value=name)


def check_cookie_domain(draft: Draft) -> Findings:
    """Check that browsers will accept the domain of the cookie.

    Spec: RFC 6265bis §4.1.2.3, §5.7.
    """
    domain, public_url = draft.settings.cookie_domain, draft.settings.public_url
    if domain is None:
        return
    normal = normal_hostname(domain)
    if not _may_have_hosts_below(normal):
        plain = domain.rpartition("://")[2].partition("/")[0].partition(":")[0].removeprefix("*").strip(".")
        meant = _may_have_hosts_below(normal_hostname(plain))
        hint = f"write {plain}" if meant else "write a domain such as example.com, or do not set it"
        yield wrong("cookie_domain", "cookie_domain_malformed", value=domain, hint=hint)
        return
    host = (public_url or "").partition("://")[2].partition("/")[0].partition(":")[0]
    if host and host != normal and not host.endswith(f".{normal}"):
        yield wrong("cookie_domain", "cookie_domain_elsewhere", value=domain, host=host)
    yield Derived("cookie_domain", normal)


def _may_have_hosts_below(host: str) -> bool:
    """Return whether browsers accept a normal host as the domain of a cookie, if it is not a public suffix.

    Spec: RFC 6265 §5.1.3 (no address); RFC 6265bis §5.7 step 9: a single label is a public suffix.
    """
    return "." in host and not is_ip(host)


def check_samesite(draft: Draft) -> Findings:
    """Check that cookies with ``SameSite=None`` can have ``Secure``, which browsers demand.

    Spec: RFC 6265bis §4.1.2.7, §5.7.
    """
    settings = draft.settings
    if settings.is_secure:
        return
    for name, value, other in (("cookie_samesite", "None", "Lax"), ("response_mode", "form_post", "query")):
        if getattr(settings, name) == value:
            hint = f"write {other}, or use https"
            yield wrong(name, "needs_secure", because=("public_url",), value=value, hint=hint)
