"""Settings that can work, but are probably not what the operator wants."""

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


class CheckContext(NamedTuple):
    """Facts that some checks need and that the settings do not contain.

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


class Questionable(NamedTuple):
    """A questionable setting.

    Attributes:
        cause: The cause of the catalogue.
        setting: The setting to change.
        facts: The values of the placeholders in the texts of the cause.
    """

    cause: str
    setting: str
    facts: Mapping[str, str]


Findings = Iterator[Questionable]


def _found(cause: str, setting: str, **facts: object) -> Questionable:
    return Questionable(cause, setting, {name: str(value) for name, value in facts.items()})


def find_questionable(settings: Settings, context: CheckContext) -> list[Questionable]:
    """Return every questionable setting, in the order of the catalogue."""
    return [found for check in CHECKS for found in check(settings, context)]


def _address(settings: Settings, context: CheckContext) -> Findings:
    url = settings.public_url
    if url is None:
        if not settings.trusted_proxies:
            yield _found(
                "public_url_missing", "public_url", example=_origin(context.url) or "https://app.example.com"
            )
        return
    parts = urlsplit(url)
    if context.url:
        page = urlsplit(context.url)
        if page.hostname != parts.hostname and not _is_covered(page.hostname or "", settings):
            yield _found("url_elsewhere", "public_url", url=_origin(context.url), public_url=url)
        elif page.hostname == parts.hostname and page.scheme != parts.scheme:
            yield _found("url_scheme", "public_url", url=_origin(context.url), public_url=url)
    if settings.insecure_cookies and not is_loopback(parts.hostname or ""):
        yield _found("insecure_cookies_on", "insecure_cookies", public_url=url)
    issuer = urlsplit(settings.issuer)
    if issuer.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield _found("issuer_development", "issuer", issuer=settings.issuer)


def _is_covered(host: str, settings: Settings) -> bool:
    domain = settings.cookie_domain
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _cookie(settings: Settings, context: CheckContext) -> Findings:
    domain = settings.cookie_domain
    if domain:
        suffix = public_suffix(domain)
        if suffix is None:
            pass  # the extra is not installed, and `SUFFIXES_MISSING` says so
        elif suffix == domain:
            host = urlsplit(settings.public_url or "").hostname or "app.example.com"
            yield _found("cookie_domain_suffix", "cookie_domain", domain=domain, host=host)
        if not settings.allowed_redirect_hosts:
            yield _found("cookie_domain_no_return", "allowed_redirect_hosts", domain=domain)
    for item in settings.allowed_redirect_hosts:
        host = item.removeprefix("*.").partition(":")[0]
        own = urlsplit(settings.public_url or "").hostname
        if host != own and not _is_covered(host, settings) and settings.public_url:
            yield _found("redirect_host_without_cookie", "allowed_redirect_hosts", host=item)
    if settings.cookie_samesite == "Strict":
        yield _found("samesite_strict", "cookie_samesite")
    if settings.cookie_samesite == "None":
        yield _found("samesite_none", "cookie_samesite")


def public_suffix(domain: str) -> str | None:
    """Return the public suffix of `domain`; None if the extra ``[check]`` is not installed."""
    try:
        from publicsuffixlist import PublicSuffixList
    except ModuleNotFoundError:
        return None
    found = PublicSuffixList().publicsuffix(domain)
    return found if isinstance(found, str) else ""


def _processes(settings: Settings, context: CheckContext) -> Findings:
    single = settings.insecure_single_process_revocation
    if settings.store_url is None and context.workers > 1:
        yield _found("several_processes", "revocation_store", workers=context.workers)
        if single:
            name = "insecure_single_process_revocation"
            yield _found("single_process_revocation", name, workers=context.workers)
    elif single:
        cause = "single_process_needless" if settings.store_url else "single_process_revocation"
        yield _found(cause, "insecure_single_process_revocation", workers=context.workers)
    if settings.store_url is None and settings.session_lifetime_seconds > LONG_SESSION_SECONDS:
        days = settings.session_lifetime_seconds // 86_400
        yield _found("long_session", "session_lifetime_seconds", days=days)


def _store_setting(settings: Settings) -> str:
    return "revocation_store" if settings.session_store == "cookie" else "session_store"


def check_store(settings: Settings) -> Findings:
    """Yield what is wrong with the store, after connecting to it. This takes at most a few seconds."""
    try:
        store = store_of(settings)
        if store is None:
            return
        try:
            problems = store.check(int(time()))
        finally:
            store.close()
    except GateError as error:
        yield _found("store_unreachable", _store_setting(settings), received=error.detail or error.code)
        return
    for problem in problems:
        yield _found("store_misconfigured", _store_setting(settings), received=problem)


def _access(settings: Settings, context: CheckContext) -> Findings:
    rules = [name for name in RULES if getattr(settings, name)]
    host = world_wide_host(settings.issuer)
    if settings.allow_everyone and host:
        yield _found("everyone_in_the_world", "allow_everyone", host=host)
    elif not rules and not settings.allow_everyone:
        yield _found("everyone_at_the_provider", "allow_everyone", issuer=settings.issuer)
    if settings.insecure_allow_unverified_email:
        yield _found("unverified_email", "insecure_allow_unverified_email")
    for rule in settings.public_paths:
        path = rule.rpartition(" ")[2]
        if path == "/*" and not rule.startswith(("OPTIONS ", "HEAD ")):
            yield _found("everything_public", "public_paths", rule=rule)
    if settings.public_paths and context.behind_nginx and not settings.original_uri_header:
        yield _found("public_paths_unused", "public_paths")


def _claims(settings: Settings, context: CheckContext) -> Findings:
    scopes = set(settings.scopes)
    bring_groups = {*GROUP_SCOPES, settings.groups_claim, settings.groups_claim.partition(".")[0]}
    if settings.allowed_groups and scopes.isdisjoint(bring_groups):
        shown = " ".join((*settings.scopes, "groups"))
        yield _found("groups_without_scope", "scopes", scopes=shown, received=" ".join(settings.scopes))
    needs_email = settings.allowed_emails or settings.allowed_email_domains
    if needs_email and "email" not in scopes and settings.email_claim == "email":
        yield _found("email_without_scope", "scopes", scopes=" ".join((*settings.scopes, "email")))
    if settings.session_store == "cookie":
        for name in ("pass_access_token", "pass_authorization", "keep_id_token"):
            if getattr(settings, name):
                yield _found("token_in_cookie", name, name=name)


def _client(settings: Settings, context: CheckContext) -> Findings:
    if effective_client_auth(settings) == "none":
        yield _found("public_client", "client_secret")
    if settings.clock_skew_seconds > _LONG_LEEWAY_SECONDS:
        yield _found("clock_leeway", "clock_skew_seconds", seconds=settings.clock_skew_seconds)
    if settings.id_token_signed_response_alg is None and "HS256" in settings.id_token_algorithms:
        yield _found("hs256_among_others", "id_token_algorithms")


def _proxies(settings: Settings, context: CheckContext) -> Findings:
    for item in settings.trusted_proxies:
        if "/" not in item:
            continue
        network = ip_network(item)
        if is_too_wide(network):
            yield _found("trusted_proxies_wide", "trusted_proxies", network=item)


def is_too_wide(network: IPv4Network | IPv6Network) -> bool:
    """Return whether `network` probably contains clients, and not only proxies.

    A private network may be as wide as its range. A public one contains hosts of other organizations if it is wider
    than what a provider assigns to one site.
    """
    if network.is_private:
        return False
    return network.prefixlen < (24 if network.version == 4 else 48)


def _files(settings: Settings, context: CheckContext) -> Findings:
    if not context.config:
        return
    try:
        mode = os.stat(context.config).st_mode
        with open(context.config, "rb") as file:
            text = file.read(1 << 20)
    except OSError:
        return
    secrets = [secret for secret in (settings.client_secret, *settings.cookie_secret) if secret]
    if mode & (stat.S_IROTH | stat.S_IWOTH) and any(secret.encode() in text for secret in secrets):
        yield _found("config_readable", "config", path=context.config)


CHECKS: tuple[Callable[[Settings, CheckContext], Findings], ...] = (
    _address,
    _cookie,
    _processes,
    _access,
    _claims,
    _client,
    _proxies,
    _files,
)


def check_other_gate(settings: Settings, other: Settings, path: str) -> Findings:
    """Yield what is wrong if the settings are compared with those of another gate, which may be on the same host.

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
        yield _found("cookie_name_shared", "cookie_name", name=settings.cookie_name, path=path, host=own_host)
