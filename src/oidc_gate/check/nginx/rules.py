"""The rules for a server with `auth_request`. Each yields causes, with the places where they were found."""

from __future__ import annotations

from .applications import check_application, check_gate_location, check_open_locations
from .error_pages import check_error_pages
from .identity import check_identity
from .locations import Level, location_of, locations, passed_path
from .reading import Directive
from .site import MIN_BUFFER, Broken, Rule, Site, broken, size
from .verdicts import check_verdicts


def check_server(site: Site) -> list[Broken]:
    """Return what is wrong in one server. A server without `auth_request` is not checked."""
    levels = [site.server, *locations(site.server)]
    protected = [level for level in levels if level.auth_request and (level.proxies or _serves(level))]
    if not any(level.auth_request for level in levels):
        return []
    found = [*_gate_paths(site), *_auth_location(site, levels)]
    for level in protected:
        if not site.is_of_gate(level):
            found += [*_refusals(level, site), *_protection(level), *check_identity(level), *_renewal(level)]
            found += [*check_error_pages(level, site), *check_application(level, site)]
    found += [*_buffers(site), *_answers_of_the_gate(site), *_header_names(site)]
    asked = [location_of(site.server, level.auth_request) for level in protected]
    found += [
        *check_verdicts(site, levels),
        *check_open_locations(site, levels),
        *check_gate_location(site, asked),
    ]
    return _unique(found)


def _unique(found: list[Broken]) -> list[Broken]:
    seen: dict[tuple[str, str], Broken] = {}
    for each in found:
        seen.setdefault((each.cause, each.where), each)
    return list(seen.values())


def _serves(level: Level) -> bool:
    is_named = level.directive.args[:1] and level.directive.args[0].startswith("@")
    answers = any(_is_content(each) for each in level.own("return"))
    if level.own("return") and not answers and not level.own("auth_request"):
        return False  # a redirect or an error, which Nginx answers itself
    return level.directive.name == "location" and not is_named and not level.own("internal")


def _is_content(returned: Directive) -> bool:
    return bool(returned.args) and (returned.args[0].startswith("2") or not returned.args[0].isdigit())


def _gate_paths(site: Site) -> Rule:
    callback = site.location("callback")
    if callback.auth_request and not site.is_of_gate(callback):
        yield broken("nginx_gate_not_proxied", callback)
    elif callback.auth_request:
        yield broken("nginx_gate_protected", callback)
    elif not callback.proxies:
        yield broken("nginx_gate_not_proxied", callback)
    else:
        path = passed_path(callback, f"{site.prefix}/callback")
        if path is not None and not path.endswith(f"{site.prefix}/callback"):
            yield broken("nginx_prefix_stripped", callback, path=path)
        for each in callback.nearest("proxy_hide_header"):
            if "set-cookie" in [arg.lower() for arg in each.args]:
                yield broken("nginx_cookie_hidden", each)
        yield from _forwarded(callback, site)


def _forwarded(level: Level, site: Site) -> Rule:
    headers = level.headers()
    if site.needs_host and "host" not in headers and "x-forwarded-host" not in headers:
        yield broken("nginx_host_missing", level)
    if not site.has_public_url and "x-forwarded-proto" not in headers and _is_tls(site.server):
        yield broken("nginx_proto_missing", level)


def _is_tls(server: Level) -> bool:
    return any("ssl" in each.args for each in server.own("listen"))


def _auth_location(site: Site, levels: list[Level]) -> Rule:
    for uri in dict.fromkeys(level.auth_request for level in levels if level.auth_request):
        level = location_of(site.server, uri.partition("?")[0])
        users = next(each for each in levels if each.auth_request == uri)
        if not level.proxies:
            yield broken("nginx_auth_location_missing", users, uri=uri)
            continue
        path = (passed_path(level, uri) or "").partition("?")[0]
        if level.auth_request and not site.is_of_gate(level):
            yield broken("nginx_auth_location_missing", users, uri=uri)
        elif path and not path.endswith(f"{site.prefix}/auth"):
            yield broken("nginx_auth_elsewhere", level, path=path)
        if level.value("proxy_pass_request_body") != "off":
            yield broken("nginx_auth_body", level)
        elif "content-length" not in level.headers():
            yield broken("nginx_auth_content_length", level)
        cache = level.value("proxy_cache")
        key = " ".join(arg for each in level.nearest("proxy_cache_key") for arg in each.args)
        if cache and cache != "off" and "cookie" not in key:
            yield broken("nginx_verdict_cache", level)


def _refusals(level: Level, site: Site) -> Rule:
    pages = level.error_pages()
    if "401" not in pages:
        outer = [
            block for block in level.around if any("401" in each.args for each in block.all("error_page"))
        ]
        if outer:
            yield broken("nginx_error_page_replaced", level.nearest("error_page")[0])
        else:
            yield broken("nginx_error_page_missing", level)
        return
    target, directive = pages["401"]
    status = next((arg for arg in directive.args if arg.startswith("=2")), "")
    if status:
        yield broken("nginx_error_page_status", directive, status=status)
    if "rd=$scheme" in target or "rd=$request_uri" in target or "rd=http" in target:
        yield broken("nginx_rd_unencoded", directive)
    if target.startswith(("http://", "https://")):
        yield broken("nginx_error_page_url", directive, target=target)
    if target.startswith(("http://", "https://", "@")):
        return
    page = location_of(site.server, target.partition("?")[0])
    if page.auth_request:
        yield broken("nginx_error_page_protected", directive, target=target)
    if page.proxies and "rd=" not in target and "x-auth-request-redirect" not in page.headers():
        yield broken("nginx_redirect_missing", page)


def _protection(level: Level) -> Rule:
    if level.value("satisfy") == "any":
        yield broken("nginx_satisfy_any", level.nearest("satisfy")[0])
    for each in level.own("return"):
        if _is_content(each) and not each.args[0].startswith(("http", "/", "$scheme")):
            yield broken("nginx_return_before", each)


def _renewal(level: Level) -> Rule:
    sets = [each for each in level.nearest("auth_request_set") if "$upstream_http_set_cookie" in each.args]
    adds = [
        each for each in level.nearest("add_header") if each.args and each.args[0].lower() == "set-cookie"
    ]
    outer = [
        arg for block in level.around for each in block.all("add_header") for arg in each.args[:1]
    ]  # fmt: skip
    if sets and not adds and "set-cookie" in [name.lower() for name in outer]:
        yield broken("nginx_add_header_lost", level.nearest("add_header")[0])
    elif not sets or not adds:
        yield broken("nginx_renewal_missing", level)


def _buffers(site: Site) -> Rule:
    level = site.location("callback")
    if not level.auth_request and level.proxies and size(level.value("proxy_buffer_size")) < MIN_BUFFER:
        yield broken("nginx_buffers", level)


def _answers_of_the_gate(site: Site) -> Rule:
    for endpoint in ("sign_in", "callback"):
        level = site.location(endpoint)
        intercepts = level.nearest("proxy_intercept_errors")
        if level.proxies and level.value("proxy_intercept_errors") == "on" and "401" in level.error_pages():
            yield broken("nginx_intercept_errors", intercepts[0])


def _header_names(site: Site) -> Rule:
    for name, unsafe in (("underscores_in_headers", "on"), ("ignore_invalid_headers", "off")):
        if site.server.value(name) == unsafe:
            yield broken("nginx_header_names", site.server.nearest(name)[0])
