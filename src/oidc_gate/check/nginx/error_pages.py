"""Rules for `error_page`."""

from __future__ import annotations

from ...endpoints.table import ENDPOINTS
from .locations import Level, location_of
from .reading import Directive
from .site import Rule, Site, broken

_FAILURES = ("500", "502", "503", "504")


def check_error_pages(level: Level, site: Site) -> Rule:
    """Yield what is wrong with the error pages of a location with `auth_request`."""
    pages = level.error_pages()
    for code, (target, directive) in pages.items():
        if target.startswith("@") and site.named(target) is None:
            yield broken("nginx_named_location_missing", directive, target=target)
        endpoint = _endpoint(target, site)
        if endpoint and endpoint.partition("/")[0] not in ENDPOINTS:
            yield broken("nginx_error_page_unknown", directive, target=target)
        if code == "403" and _redirects(target, site):
            yield broken("nginx_refused_redirected", directive)
        if code in _FAILURES and (_redirects(target, site) or endpoint == "sign_in"):
            yield broken("nginx_failure_to_sign_in", directive, status=code)
    if "401" in pages:
        yield from _unauthorized(*pages["401"], site)


def _unauthorized(target: str, directive: Directive, site: Site) -> Rule:
    equals = [arg for arg in directive.args if arg.startswith("=")]
    endpoint = _endpoint(target, site)
    if endpoint == "start" and (not equals or equals[0][1:2] in ("4", "5")):
        yield broken("nginx_error_page_redirects", directive, target=target.partition("?")[0])
    if endpoint == "sign_in" and equals and equals[0][1:2] == "3":
        yield broken("nginx_error_page_302", directive, status=equals[0])
    named = site.named(target) if target.startswith("@") else None
    for each in named.own("return") if named else []:
        if any(f"rd={start}" in arg for arg in each.args for start in ("$scheme", "$request_uri", "http")):
            yield broken("nginx_rd_unencoded", each)
    page = named or location_of(site.server, target.partition("?")[0])
    if page.headers().get("x-auth-request-method") == "$request_method" and page.proxies:
        yield broken("nginx_method_of_error_page", page)


def _endpoint(target: str, site: Site) -> str:
    """Return the endpoint of the gate that an error page leads to, or an empty string."""
    path, start = target.partition("?")[0], f"{site.prefix}/"
    return path[len(start) :] if path.startswith(start) else ""


def _redirects(target: str, site: Site) -> bool:
    """Return whether an error page answers with a redirect to the sign-in."""
    named = site.named(target) if target.startswith("@") else None
    if named is None:
        return _endpoint(target, site) == "start"
    returns = any(each.args and each.args[0].startswith("30") for each in named.own("return"))
    return returns or any(f"{site.prefix}/start" in " ".join(each.args) for each in named.own("rewrite"))
