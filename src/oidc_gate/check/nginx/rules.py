"""What is wrong in a server with `auth_request`: each rule names a cause and the place of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .locations import Level, location_of, locations, passed_path
from .reading import Directive

IDENTITY = ("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username")
MIN_BUFFER = 8 * 1024


class Broken(NamedTuple):
    """One thing that is wrong.

    Attributes:
        cause: The cause of the catalogue.
        where: File and line.
        facts: What fills the texts of the cause.
    """

    cause: str
    where: str
    facts: Mapping[str, str]


class Site(NamedTuple):
    """One server, and where the gate's paths are in it.

    Attributes:
        has_public_url: Whether the settings have `public_url`, so that the gate does not need ``Host`` for it.
    """

    server: Level
    prefix: str
    has_public_url: bool

    def location(self, endpoint: str) -> Level:
        """Return the location of an endpoint of the gate."""
        return location_of(self.server, f"{self.prefix}/{endpoint}")


Rule = Iterator[Broken]


def _broken(cause: str, place: Level | Directive, **facts: str) -> Broken:
    location = place.shown if isinstance(place, Level) else " ".join((place.name, *place.args))
    return Broken(cause, place.where, {"location": location, **facts})


def check_server(site: Site) -> list[Broken]:
    """Return what is wrong in one server; nothing if it does not use `auth_request`."""
    levels = [site.server, *locations(site.server)]
    protected = [level for level in levels if level.auth_request and (level.proxies or _serves(level))]
    if not any(level.auth_request for level in levels):
        return []
    found = [*_gate_paths(site), *_auth_location(site, levels)]
    for level in protected:
        if not _is_of_gate(level, site):
            found += [*_refusals(level, site), *_protection(level), *_identity(level), *_renewal(level)]
    found += [*_buffers(site), *_answers_of_the_gate(site), *_header_names(site)]
    return _unique(found)


def _unique(found: list[Broken]) -> list[Broken]:
    seen: dict[tuple[str, str], Broken] = {}
    for each in found:
        seen.setdefault((each.cause, each.where), each)
    return list(seen.values())


def _serves(level: Level) -> bool:
    return level.directive.name == "location" and not level.own("internal")


def _is_of_gate(level: Level, site: Site) -> bool:
    """Return whether a location is for the gate's paths alone: as a prefix, exact, or in a regular expression."""
    return any(argument.lstrip("^").startswith(site.prefix) for argument in level.directive.args)


def _gate_paths(site: Site) -> Rule:
    callback = site.location("callback")
    if callback.auth_request and not _is_of_gate(callback, site):
        yield _broken("nginx_gate_not_proxied", callback)
    elif callback.auth_request:
        yield _broken("nginx_gate_protected", callback)
    elif not callback.proxies:
        yield _broken("nginx_gate_not_proxied", callback)
    else:
        path = passed_path(callback, f"{site.prefix}/callback")
        if path is not None and not path.endswith(f"{site.prefix}/callback"):
            yield _broken("nginx_prefix_stripped", callback, path=path)
        for each in (*callback.nearest("proxy_hide_header"), *callback.nearest("proxy_ignore_headers")):
            if each.name == "proxy_hide_header" and "set-cookie" in [arg.lower() for arg in each.args]:
                yield _broken("nginx_cookie_hidden", each)
        yield from _forwarded(callback, site)


def _forwarded(level: Level, site: Site) -> Rule:
    headers = level.headers()
    if "host" not in headers and "x-forwarded-host" not in headers:
        yield _broken("nginx_host_missing", level)
    if not site.has_public_url and "x-forwarded-proto" not in headers and _is_tls(site.server):
        yield _broken("nginx_proto_missing", level)


def _is_tls(server: Level) -> bool:
    return any("ssl" in each.args for each in server.own("listen"))


def _auth_location(site: Site, levels: list[Level]) -> Rule:
    for uri in dict.fromkeys(level.auth_request for level in levels if level.auth_request):
        level = location_of(site.server, uri.partition("?")[0])
        users = next(each for each in levels if each.auth_request == uri)
        if not level.proxies:
            yield _broken("nginx_auth_location_missing", users, uri=uri)
            continue
        path = (passed_path(level, uri) or "").partition("?")[0]
        if level.auth_request and not _is_of_gate(level, site):
            yield _broken("nginx_auth_location_missing", users, uri=uri)
        elif path and not path.endswith(f"{site.prefix}/auth"):
            yield _broken("nginx_auth_elsewhere", level, path=path)
        if level.value("proxy_pass_request_body") != "off":
            yield _broken("nginx_auth_body", level)
        elif "content-length" not in level.headers():
            yield _broken("nginx_auth_content_length", level)
        cache = level.value("proxy_cache")
        key = " ".join(arg for each in level.nearest("proxy_cache_key") for arg in each.args)
        if cache and cache != "off" and "cookie" not in key:
            yield _broken("nginx_verdict_cache", level)


def _refusals(level: Level, site: Site) -> Rule:
    pages = level.error_pages()
    if "401" not in pages:
        outer = [
            block for block in level.around if any("401" in each.args for each in block.all("error_page"))
        ]
        if outer and level.nearest("error_page"):
            yield _broken("nginx_error_page_replaced", level.nearest("error_page")[0])
        else:
            yield _broken("nginx_error_page_missing", level)
        return
    target, directive = pages["401"]
    status = next((arg for arg in directive.args if arg.startswith("=") and arg != "="), "")
    if status.startswith("=2"):
        yield _broken("nginx_error_page_status", directive, status=status)
    if "rd=$scheme" in target or "rd=$request_uri" in target or "rd=http" in target:
        yield _broken("nginx_rd_unencoded", directive)
    if target.startswith(("http://", "https://")):
        yield _broken("nginx_error_page_url", directive, target=target)
    if target.startswith(("http://", "https://", "@")):
        return
    page = location_of(site.server, target.partition("?")[0])
    if page.auth_request:
        yield _broken("nginx_error_page_protected", directive, target=target)
    elif page.proxies and "rd=" not in target and "x-auth-request-redirect" not in page.headers():
        yield _broken("nginx_redirect_missing", page)


def _protection(level: Level) -> Rule:
    if level.value("satisfy") == "any":
        yield _broken("nginx_satisfy_any", level.nearest("satisfy")[0])
    for each in level.own("return"):
        yield _broken("nginx_return_before", each)


def _identity(level: Level) -> Rule:
    if not level.own("proxy_pass"):
        return
    headers = level.headers()
    missing = [name for name in IDENTITY if name.lower() not in headers]
    own = {each.args[0].lower() for each in level.own("proxy_set_header") if each.args}
    lost = [
        each.args[0]
        for block in level.around
        for each in block.all("proxy_set_header")
        if own and each.args and each.args[0].lower() not in own
    ]
    if lost:
        yield _broken(
            "nginx_headers_lost", level.own("proxy_set_header")[0], names=", ".join(dict.fromkeys(lost))
        )
    elif missing:
        yield _broken("nginx_identity_forgeable", level, names=", ".join(missing))


def _renewal(level: Level) -> Rule:
    sets = [each for each in level.nearest("auth_request_set") if "$upstream_http_set_cookie" in each.args]
    adds = [
        each for each in level.nearest("add_header") if each.args and each.args[0].lower() == "set-cookie"
    ]
    if not sets or not adds:
        yield _broken("nginx_renewal_missing", level)


def _buffers(site: Site) -> Rule:
    level = site.location("callback")
    if not level.auth_request and level.proxies and _bytes(level.value("proxy_buffer_size")) < MIN_BUFFER:
        yield _broken("nginx_buffers", level)


def _answers_of_the_gate(site: Site) -> Rule:
    for endpoint in ("sign_in", "callback"):
        level = site.location(endpoint)
        intercepts = level.nearest("proxy_intercept_errors")
        if level.proxies and level.value("proxy_intercept_errors") == "on" and "401" in level.error_pages():
            yield _broken("nginx_intercept_errors", intercepts[0])


def _header_names(site: Site) -> Rule:
    for name, unsafe in (("underscores_in_headers", "on"), ("ignore_invalid_headers", "off")):
        if site.server.value(name) == unsafe:
            yield _broken("nginx_header_names", site.server.nearest(name)[0])


def _bytes(text: str) -> int:
    units = {"k": 1024, "m": 1024 * 1024}
    number, unit = (text[:-1], units.get(text[-1:].lower(), 1)) if not text.isdigit() else (text, 1)
    return int(number) * unit if number.isdigit() else 0
