"""Checks of public paths, of the access rules, and of the claims that they use."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ...syntax.hosts import normal_domain
from ...syntax.paths import AMBIGUOUS_PATH
from ..report import Draft, Findings, Wrong, wrong

_METHOD = re.compile(r"[A-Z]{3,20}")
_PATTERN = re.compile(r"[\^$|\[\]{}<>]|\.\+|\\[a-zA-Z.]|\(\?")
_SPACE = re.compile(r"\s")  # divides a method and a path
_LOCAL_PART = re.compile(r"[^\s@\x00-\x20\x7f-\x9f\uff20\ufe6b]{1,64}")
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
# The last one is the tenant of personal accounts.
_ENTRA_ALL = ("common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad")

WORLD_WIDE = dict.fromkeys(_OPEN_TO_ALL, ("",)) | dict.fromkeys(_ENTRA, _ENTRA_ALL)
"""Providers at which anyone can get an account: the host, and the first path segment; an empty one stands for every
path."""


def check_public_paths(draft: Draft) -> Findings:
    """Check that each rule can match, and that it matches what the operator probably intends."""
    for rule in draft.settings.public_paths:
        method, space, path = rule.partition(" ") if not rule.startswith("/") else ("", "", rule)
        if space and not _METHOD.fullmatch(method):
            yield wrong("public_paths", "path_method", value=rule)
        else:
            yield from _check_path(rule, path if space or not method else method, draft.settings.prefix)


def _check_path(rule: str, path: str, prefix: str) -> Findings:
    if code := _problem_of_path(path):
        yield wrong("public_paths", code, value=rule, expected=f"/{path}")
    elif path == prefix or path.startswith(f"{prefix}/"):
        yield wrong("public_paths", "path_own", value=rule, prefix=prefix)


def _problem_of_path(path: str) -> str:
    if "://" in path:
        return "path_is_url"
    if _PATTERN.search(path):
        return "path_pattern"
    if not path.startswith("/"):
        if path[:1].isalnum():
            return "path_no_slash"
        return "path_never" if path[:1].isspace() else "path_pattern"
    if "?" in path or "#" in path:
        return "path_query"
    if "*" in path.removesuffix("/*"):
        return "path_star"
    return "path_never" if AMBIGUOUS_PATH.search(path) or _SPACE.search(path) else ""


def check_emails(draft: Draft) -> Findings:
    """Check the e-mail addresses and domains of users who may enter."""
    for email in draft.settings.allowed_emails:
        local, _, domain = email.partition("@")
        if not _LOCAL_PART.fullmatch(local) or not normal_domain(domain):
            yield wrong("allowed_emails", "email_malformed", value=email)
    for item in draft.settings.allowed_email_domains:
        if item in ("*", "*.*", "*.", "."):
            yield wrong("allowed_email_domains", "domain_everyone", value=item)
        elif not normal_domain(item.removeprefix("*.")):
            yield _malformed_domain(item)


def _malformed_domain(item: str) -> Wrong:
    # ".corp.com" means "corp.com and below" in some programs, and "below corp.com" in others.
    name = item.rpartition("@")[2].lstrip("*.").rstrip(".") or "corp.com"
    expected = f"{name}, or *.{name} for everything below" if normal_domain(name) else "corp.com"
    return wrong("allowed_email_domains", "domain_malformed", value=item, expected=expected)


def check_entry(draft: Draft) -> Findings:
    """Check that a rule says who may enter if anyone can get an account at the provider."""
    settings = draft.settings
    rules = [name for name in RULES if getattr(settings, name)]
    if settings.allow_everyone and rules:
        yield wrong("allow_everyone", "everyone_and_some", others=" and ".join(rules))
    if not settings.allow_everyone and not rules and (host := world_wide_host(settings.issuer)):
        yield wrong("allow_everyone", "world_wide", because=RULES, host=host)


def world_wide_host(issuer: str) -> str:
    """Return the host of `issuer` if anyone in the world can get an account there, else an empty string."""
    try:
        parts = urlsplit(issuer)
        host = parts.hostname or ""
    except ValueError:
        return ""
    segments = WORLD_WIDE.get(host, ())
    return host if "" in segments or parts.path.strip("/").split("/")[0].lower() in segments else ""


def check_claims(draft: Draft) -> Findings:
    """Check the paths of claims: names joined by dots, as `policy.claims.lookup` reads them."""
    for name in ("user_claim", "email_claim", "groups_claim"):
        path = getattr(draft.settings, name)
        if not _CLAIM.fullmatch(path) or "" in path.split(".") or path.startswith("/"):
            yield wrong(name, "claim_path", value=path)
