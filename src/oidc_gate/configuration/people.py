"""Checks of what is public, who may enter, and which claims say who it is."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .addresses import ascii_domain
from .report import Report

_METHOD = re.compile(r"[A-Z]{3,20}")
_PATTERN = re.compile(r"[\^$|\[\]{}<>]|\.\+|\\[a-zA-Z.]|\(\?")
_NEVER = re.compile(r"/\.{1,2}(?:/|\Z)|//|[%\\;\s\x00-\x1f\x7f-\x9f]")
_LOCAL = re.compile(r"[^\s@\x00-\x20\x7f-\x9f\uff20\ufe6b]{1,64}")
_CLAIM = re.compile(r"[^\s$\[\]'\"*\x00-\x20\x7f-\x9f]{1,200}")

RULES = ("allowed_emails", "allowed_email_domains", "allowed_groups")

_OPEN_TO_ALL = (
    *("accounts.google.com", "github.com", "token.actions.githubusercontent.com", "gitlab.com"),
    *("appleid.apple.com", "account.apple.com", "login.live.com", "bitbucket.org", "orcid.org"),
    *("facebook.com", "www.facebook.com", "limited.facebook.com", "www.linkedin.com", "linkedin.com"),
    *("slack.com", "id.twitch.tv", "api.login.yahoo.com", "access.line.me", "kauth.kakao.com"),
    *("discord.com", "www.paypal.com", "www.amazon.com", "accounts.spotify.com", "login.salesforce.com"),
)
_ENTRA = ("login.microsoftonline.com", "login.windows.net", "sts.windows.net", "login.microsoftonline.us")
# the last one is the tenant of personal accounts
_ENTRA_ALL = ("common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad")

WORLD_WIDE = dict.fromkeys(_OPEN_TO_ALL, ("",)) | dict.fromkeys(_ENTRA, _ENTRA_ALL)
"""Providers where anybody can get an account: host, and first path segments; an empty one is every path."""


def check_public_paths(report: Report) -> None:
    """Check each rule for what `policy` would never match, or would match in another way than meant."""
    for rule in report.settings.public_paths:
        method, space, path = rule.partition(" ") if not rule.startswith("/") else ("", "", rule)
        if space and not _METHOD.fullmatch(method):
            report.fault("public_paths", "path_method", value=rule)
        else:
            _check_path(report, rule, path if space or not method else method)


def _check_path(report: Report, rule: str, path: str) -> None:
    code = _path_fault(path)
    if code:
        report.fault("public_paths", code, value=rule, wanted=f"/{path}")
    elif _is_below(path, report.settings.prefix):
        report.fault("public_paths", "path_own", value=rule, prefix=report.settings.prefix)


def _path_fault(path: str) -> str:
    if "://" in path:
        return "path_is_url"
    if _PATTERN.search(path):
        return "path_pattern"
    if not path.startswith("/"):
        return (
            "path_no_slash" if path[:1].isalnum() else "path_never" if path[:1].isspace() else "path_pattern"
        )
    if "?" in path or "#" in path:
        return "path_query"
    if "*" in path.removesuffix("/*"):
        return "path_star"
    return "path_never" if _NEVER.search(path) else ""


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def check_people(report: Report) -> None:
    """Check the e-mail addresses and domains that are let in."""
    for email in report.settings.allowed_emails:
        local, _, domain = email.partition("@")
        if email.count("@") != 1 or not _LOCAL.fullmatch(local) or not ascii_domain(domain):
            report.fault("allowed_emails", "email_malformed", value=email)
    for item in report.settings.allowed_email_domains:
        _check_domain(report, item)


def _check_domain(report: Report, item: str) -> None:
    if item in ("*", "*.*", "*.", "."):
        report.fault("allowed_email_domains", "domain_everyone", value=item)
    elif not ascii_domain(item.removeprefix("*.")):
        # ".corp.com" is "corp.com and below" to some, "below" to others
        name = item.rpartition("@")[2].lstrip("*.").rstrip(".") or "corp.com"
        wanted = f"{name}, or *.{name} for everything below" if ascii_domain(name) else "corp.com"
        report.fault("allowed_email_domains", "domain_malformed", value=item, wanted=wanted)


def check_entry(report: Report) -> None:
    """Check that somebody is named where the provider's people are the whole world, and no contradiction."""
    settings = report.settings
    rules = [name for name in RULES if getattr(settings, name)]
    if settings.allow_everyone and rules:
        report.fault("allow_everyone", "everyone_and_some", others=" and ".join(rules))
    if not settings.allow_everyone and not rules and (host := world_wide_host(settings.issuer)):
        report.fault("allow_everyone", "world_wide", because=(*RULES, "issuer"), host=host)


def world_wide_host(issuer: str) -> str:
    """Return the host of `issuer` if anybody in the world can have an account there, else an empty string."""
    try:
        parts = urlsplit(issuer)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""
    segments = WORLD_WIDE.get(host, ())
    return host if "" in segments or parts.path.strip("/").split("/")[0].lower() in segments else ""


def check_claims(report: Report) -> None:
    """Check the paths to claims: names joined by dots, as `policy.claims.lookup` reads them."""
    for name in ("user_claim", "email_claim", "groups_claim"):
        path = getattr(report.settings, name)
        if not _CLAIM.fullmatch(path) or "" in path.split(".") or path.startswith("/"):
            report.fault(name, "claim_path", value=path)
