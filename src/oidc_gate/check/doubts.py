"""Settings that can work, and are probably not what the operator wants."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from time import time
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import GateError
from ..runtime.store import store_of
from ..settings import Settings
from ..settings.checks.access import RULES, world_wide_host
from ..settings.checks.provider import effective_client_auth
from ..syntax.hosts import is_loopback
from .provider.discovery import GROUP_SCOPES

LONG_SESSION_SECONDS = 7 * 24 * 3600
"""A session that cannot be ended everywhere, and lasts longer than this, is reported."""
_LONG_LEEWAY_SECONDS = 180


class Surroundings(NamedTuple):
    """What the settings do not say, and some checks need.

    Attributes:
        workers: How many processes serve requests.
        url: The page that is checked, or an empty string.
        behind_nginx: Whether Nginx asks this gate with ``auth_request``.
        config: The path of the settings file, or an empty string.
    """

    workers: int = 1
    url: str = ""
    behind_nginx: bool = False
    config: str = ""


class Doubt(NamedTuple):
    """A doubtful choice.

    Attributes:
        cause: The cause of the catalogue.
        setting: The setting to change.
        facts: What fills the texts of the cause.
    """

    cause: str
    setting: str
    facts: Mapping[str, str]


Doubts = Iterator[Doubt]


def _doubt(cause: str, setting: str, **facts: object) -> Doubt:
    return Doubt(cause, setting, {name: str(value) for name, value in facts.items()})


def doubts(settings: Settings, around: Surroundings) -> list[Doubt]:
    """Return every doubtful choice, in the order of the catalogue."""
    return [doubt for check in CHECKS for doubt in check(settings, around)]


def _address(settings: Settings, around: Surroundings) -> Doubts:
    url = settings.public_url
    if url is None:
        if not settings.trusted_proxies:
            yield _doubt(
                "public_url_missing", "public_url", example=_origin(around.url) or "https://app.example.com"
            )
        return
    parts = urlsplit(url)
    if around.url:
        page = urlsplit(around.url)
        if page.hostname != parts.hostname and not _is_covered(page.hostname or "", settings):
            yield _doubt("url_elsewhere", "public_url", url=_origin(around.url), public_url=url)
        elif page.hostname == parts.hostname and page.scheme != parts.scheme:
            yield _doubt("url_scheme", "public_url", url=_origin(around.url), public_url=url)
    if settings.insecure_cookies and not is_loopback(parts.hostname or ""):
        yield _doubt("insecure_cookies_on", "insecure_cookies", public_url=url)
    issuer = urlsplit(settings.issuer)
    if issuer.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield _doubt("issuer_development", "issuer", issuer=settings.issuer)


def _is_covered(host: str, settings: Settings) -> bool:
    domain = settings.cookie_domain
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _cookie(settings: Settings, around: Surroundings) -> Doubts:
    domain = settings.cookie_domain
    if domain:
        suffix = public_suffix(domain)
        if suffix is None:
            pass  # the extra is not installed, and `SUFFIXES_MISSING` says so
        elif suffix == domain:
            host = urlsplit(settings.public_url or "").hostname or "app.example.com"
            yield _doubt("cookie_domain_suffix", "cookie_domain", domain=domain, host=host)
        if not settings.allowed_redirect_hosts:
            yield _doubt("cookie_domain_no_return", "allowed_redirect_hosts", domain=domain)
    for item in settings.allowed_redirect_hosts:
        host = item.removeprefix("*.").partition(":")[0]
        own = urlsplit(settings.public_url or "").hostname
        if host != own and not _is_covered(host, settings) and settings.public_url:
            yield _doubt("redirect_host_without_cookie", "allowed_redirect_hosts", host=item)
    if settings.cookie_samesite == "Strict":
        yield _doubt("samesite_strict", "cookie_samesite")
    if settings.cookie_samesite == "None":
        yield _doubt("samesite_none", "cookie_samesite")


def public_suffix(domain: str) -> str | None:
    """Return the public suffix of `domain`; None if the extra ``[check]`` is not installed."""
    try:
        from publicsuffixlist import PublicSuffixList
    except ModuleNotFoundError:
        return None
    found = PublicSuffixList().publicsuffix(domain)
    return found if isinstance(found, str) else ""


def _processes(settings: Settings, around: Surroundings) -> Doubts:
    single = settings.insecure_single_process_revocation
    if settings.store_url is None and around.workers > 1:
        yield _doubt("several_processes", "revocation_store", workers=around.workers)
        if single:
            name = "insecure_single_process_revocation"
            yield _doubt("single_process_revocation", name, workers=around.workers)
    elif single:
        cause = "single_process_needless" if settings.store_url else "single_process_revocation"
        yield _doubt(cause, "insecure_single_process_revocation", workers=around.workers)
    if settings.store_url is None and settings.session_lifetime_seconds > LONG_SESSION_SECONDS:
        days = settings.session_lifetime_seconds // 86_400
        yield _doubt("long_session", "session_lifetime_seconds", days=days)


def _store_setting(settings: Settings) -> str:
    return "revocation_store" if settings.session_store == "cookie" else "session_store"


def check_store(settings: Settings) -> Doubts:
    """Connect to the store, which takes at most a few seconds."""
    try:
        store = store_of(settings)
        if store is None:
            return
        try:
            problems = store.check(int(time()))
        finally:
            store.close()
    except GateError as error:
        yield _doubt("store_unreachable", _store_setting(settings), came=error.detail or error.code)
        return
    for problem in problems:
        yield _doubt("store_misconfigured", _store_setting(settings), came=problem)


def _access(settings: Settings, around: Surroundings) -> Doubts:
    rules = [name for name in RULES if getattr(settings, name)]
    host = world_wide_host(settings.issuer)
    if settings.allow_everyone and host:
        yield _doubt("everyone_in_the_world", "allow_everyone", host=host)
    elif not rules and not settings.allow_everyone:
        yield _doubt("everyone_at_the_provider", "allow_everyone", issuer=settings.issuer)
    if settings.insecure_allow_unverified_email:
        yield _doubt("unverified_email", "insecure_allow_unverified_email")
    for rule in settings.public_paths:
        path = rule.rpartition(" ")[2]
        if path == "/*" and not rule.startswith(("OPTIONS ", "HEAD ")):
            yield _doubt("everything_public", "public_paths", rule=rule)
    if settings.public_paths and around.behind_nginx and not settings.original_uri_header:
        yield _doubt("public_paths_unused", "public_paths")


def _claims(settings: Settings, around: Surroundings) -> Doubts:
    scopes = set(settings.scopes)
    bring_groups = {*GROUP_SCOPES, settings.groups_claim, settings.groups_claim.partition(".")[0]}
    if settings.allowed_groups and scopes.isdisjoint(bring_groups):
        shown = " ".join((*settings.scopes, "groups"))
        yield _doubt("groups_without_scope", "scopes", scopes=shown, came=" ".join(settings.scopes))
    needs_email = settings.allowed_emails or settings.allowed_email_domains
    if needs_email and "email" not in scopes and settings.email_claim == "email":
        yield _doubt("email_without_scope", "scopes", scopes=" ".join((*settings.scopes, "email")))
    if settings.session_store == "cookie":
        for name in ("pass_access_token", "pass_authorization", "keep_id_token"):
            if getattr(settings, name):
                yield _doubt("token_in_cookie", name, name=name)


def _client(settings: Settings, around: Surroundings) -> Doubts:
    if effective_client_auth(settings) == "none":
        yield _doubt("public_client", "client_secret")
    if settings.clock_skew_seconds > _LONG_LEEWAY_SECONDS:
        yield _doubt("clock_leeway", "clock_skew_seconds", seconds=settings.clock_skew_seconds)
    if settings.id_token_signed_response_alg is None and "HS256" in settings.id_token_algorithms:
        yield _doubt("hs256_among_others", "id_token_algorithms")


def _proxies(settings: Settings, around: Surroundings) -> Doubts:
    for item in settings.trusted_proxies:
        if "/" not in item:
            continue
        network = ip_network(item)
        if is_too_wide(network):
            yield _doubt("trusted_proxies_wide", "trusted_proxies", network=item)


def is_too_wide(network: IPv4Network | IPv6Network) -> bool:
    """Return whether clients, and not only proxies, are probably in `network`.

    A private network may be as wide as its range. A public one holds hosts of others as soon as it is wider than what
    a provider assigns to one site.
    """
    if network.is_private:
        return False
    return network.prefixlen < (24 if network.version == 4 else 48)


def _files(settings: Settings, around: Surroundings) -> Doubts:
    if not around.config:
        return
    try:
        mode = os.stat(around.config).st_mode
        with open(around.config, "rb") as file:
            text = file.read(1 << 20)
    except OSError:
        return
    secrets = [secret for secret in (settings.client_secret, *settings.cookie_secret) if secret]
    if mode & (stat.S_IROTH | stat.S_IWOTH) and any(secret.encode() in text for secret in secrets):
        yield _doubt("config_readable", "config", path=around.config)


CHECKS: tuple[Callable[[Settings, Surroundings], Doubts], ...] = (
    _address,
    _cookie,
    _processes,
    _access,
    _claims,
    _client,
    _proxies,
    _files,
)


def check_other_gate(settings: Settings, other: Settings, path: str) -> Doubts:
    """Compare the settings with those of another gate, which may be on the same host.

    Args:
        path: The file of the other settings, for the report.
    """
    own_host, other_host = (urlsplit(each.public_url or "").hostname or "" for each in (settings, other))
    shares = own_host == other_host or bool(
        settings.cookie_domain and settings.cookie_domain == other.cookie_domain
    )
    names = [each.cookie_prefix + each.cookie_name for each in (settings, other)]
    if not shares or names[0] != names[1]:
        return
    is_one_gate = set(settings.cookie_secret) & set(other.cookie_secret) and settings.issuer == other.issuer
    if not is_one_gate:
        yield _doubt("cookie_name_shared", "cookie_name", name=settings.cookie_name, path=path, host=own_host)
