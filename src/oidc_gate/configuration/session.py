"""Checks of the session, its secrets and its cookie."""

from __future__ import annotations

import re

from .addresses import ascii_domain, is_ip
from .report import Report

SHORTEST_SECRET = 43  # 32 random bytes in base64url
_FEWEST_CHARACTERS = 5
_EXAMPLE = re.compile(
    r"change-?_?me|replace[-_ ]|example|your[-_ ]cookie|oidc[-_ ]gate[-_ ]secret|insert[-_ ]", re.I
)
_COOKIE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_COOKIE_PREFIX = re.compile(r"__(?:host|secure|http|host-http)-", re.IGNORECASE)  # RFC 6265bis §4.1.3


def check_cookie_secret(report: Report) -> None:
    """Check that nobody can guess the secrets that seal the session. None of them is ever shown."""
    secrets = report.settings.cookie_secret
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            report.fault("cookie_secret", "secret_short", length=len(secret))
        elif len(set(secret)) < _FEWEST_CHARACTERS:
            report.fault("cookie_secret", "secret_simple")
        if _EXAMPLE.search(secret):
            report.fault("cookie_secret", "secret_example")
        if secret == report.settings.client_secret:
            report.fault("cookie_secret", "secret_shared")
    if len(set(secrets)) < len(secrets):
        report.fault("cookie_secret", "secret_repeated")


def check_session(report: Report) -> None:
    """Check how long a session lasts and where it is kept."""
    settings = report.settings
    lifetime, idle = settings.session_lifetime_seconds, settings.session_idle_seconds
    if idle > lifetime:
        if report.source("session_idle_seconds") == "default":
            report.put("session_idle_seconds", lifetime)
        else:
            report.fault(
                "session_idle_seconds",
                "idle_over_lifetime",
                because=("session_lifetime_seconds",),
                value=idle,
                lifetime=lifetime,
            )
    if settings.session_store != "cookie":
        scheme = settings.session_store.partition(":")[0][:20]  # what follows may hold a password
        report.fault("session_store", "store_missing", scheme=scheme if scheme.isidentifier() else "this")


def check_cookie(report: Report) -> None:
    """Check what browsers demand of the cookie.

    Spec: RFC 6265bis §4.1.2, §4.1.3, §5.7.
    """
    name = report.settings.cookie_name
    if prefix := _COOKIE_PREFIX.match(name):
        report.fault("cookie_name", "cookie_name_prefixed", value=name, prefix=prefix[0])
    elif not _COOKIE_NAME.fullmatch(name):
        report.fault("cookie_name", "cookie_name_malformed", value=name)
    _check_domain(report)
    _check_samesite(report)


def _check_domain(report: Report) -> None:
    domain, public_url = report.settings.cookie_domain, report.settings.public_url
    if domain is None:
        return
    normal = ascii_domain(domain)
    if "." not in normal or is_ip(normal):
        plain = domain.rpartition("://")[2].partition("/")[0].partition(":")[0].strip(".")
        hint = f"write {plain}" if "." in ascii_domain(plain) and not is_ip(plain) else "do not set it"
        report.fault("cookie_domain", "cookie_domain_malformed", value=domain, hint=hint)
        return
    host = (public_url or "").partition("://")[2].partition("/")[0].partition(":")[0]
    if host and host != normal and not host.endswith(f".{normal}"):
        report.fault(
            "cookie_domain", "cookie_domain_elsewhere", because=("public_url",), value=domain, host=host
        )
    report.put("cookie_domain", normal)


def _check_samesite(report: Report) -> None:
    settings = report.settings
    if settings.is_secure:
        return
    if settings.cookie_samesite == "None":
        hint = "write Lax, or use https"
        report.fault("cookie_samesite", "needs_secure", because=("public_url",), value="None", hint=hint)
    if settings.response_mode == "form_post":
        hint = "write query, or use https"
        report.fault("response_mode", "needs_secure", because=("public_url",), value="form_post", hint=hint)
