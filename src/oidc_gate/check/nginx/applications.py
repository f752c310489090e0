"""Rules for the locations of the application: which headers reach it, and what is served without asking the gate."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .cookies import check_cookies
from .locations import Level, location_of
from .site import MIN_BUFFER, Rule, Site, broken, seconds, size

_EVENTS = re.compile(r"\b(?:events?|sse|eventsource|event-stream)\b", re.IGNORECASE)
_DEFAULT_BODY, _DEFAULT_TIMEOUT = "1m", "60s"


def check_application(level: Level, site: Site) -> Rule:
    """Yield what is wrong in a location with `auth_request`."""
    yield from check_cookies(level, site)
    yield from _sockets(level)
    if (
        _EVENTS.search(" ".join(level.directive.args))
        and level.proxies
        and level.value("proxy_buffering") != "off"
    ):
        yield broken("nginx_event_stream", level)
    asked = location_of(site.server, level.auth_request)
    own, auth = (each.value("client_max_body_size") or _DEFAULT_BODY for each in (level, asked))
    if size(auth) and (not size(own) or size(own) > size(auth)):
        place = level.nearest("client_max_body_size")[0]
        yield broken("nginx_body_size", place, size=own, auth_size=auth, auth=asked.shown)
    for each in level.own("rewrite"):
        if len(each.args) < 2 or each.args[-1] in ("break", "redirect", "permanent"):
            continue
        path = each.args[1].partition("$")[0].partition("?")[0]
        target = location_of(site.server, path)
        is_open = target.directive.name == "location" and not target.auth_request
        if path.startswith("/") and is_open and not site.is_of_gate(target):
            yield broken("nginx_rewrite_before", each, target=target.shown)


def _sockets(level: Level) -> Rule:
    headers = level.headers()
    if not headers.get("upgrade") or not level.own("proxy_pass"):
        return
    if not headers.get("connection") or level.value("proxy_http_version") not in ("1.1", "2"):
        yield broken("nginx_websocket", level)
    if seconds(level.value("proxy_read_timeout") or _DEFAULT_TIMEOUT) <= seconds(_DEFAULT_TIMEOUT):
        yield broken("nginx_websocket_timeout", level)


def check_open_locations(site: Site, levels: Sequence[Level]) -> Rule:
    """Yield the locations that pass requests on to the application without asking the gate."""
    protected = {_upstream(level) for level in levels if level.auth_request and not site.is_of_gate(level)}
    for level in levels:
        args = level.directive.args
        if level.auth_request or not level.proxies or site.is_of_gate(level) or not args:
            continue
        if args[0] in ("~", "~*") and not args[-1].startswith("^"):
            yield broken("nginx_open_by_suffix", level)
        elif (
            args[0].startswith(("/", "^~"))
            and not level.value("auth_request")
            and _upstream(level) in protected
        ):
            yield broken("nginx_open_beside", level)


def check_gate_location(site: Site, asked: Sequence[Level]) -> Rule:
    """Yield what is wrong in the location of the gate's pages, and in the server."""
    level, server = site.location("callback"), site.server
    for name in ("proxy_cookie_path", "proxy_cookie_domain", "proxy_cookie_flags"):
        for each in level.nearest(name):
            harmless = each.args == ("off",) or (name == "proxy_cookie_flags" and "nosecure" not in each.args)
            if site.is_of_gate(level) and not harmless:
                yield broken("nginx_cookie_changed", each)
    tls = [each for each in server.own("listen") if "ssl" in each.args]
    plain = [each for each in server.own("listen") if "ssl" not in each.args and "quic" not in each.args]
    is_sorted_out = any(
        "$scheme" in each.args[0] or "$https" in each.args[0] for each in server.own("if") if each.args
    )
    if tls and plain and not is_sorted_out:
        yield broken("nginx_http_and_https", plain[0])
    if tls and not site.has_public_url and level.headers().get("x-forwarded-proto") == "http":
        yield broken("nginx_proto_wrong", level)
    for each in server.nearest("large_client_header_buffers"):
        if each.args and size(each.args[-1]) < MIN_BUFFER:
            yield broken("nginx_header_buffers", each)
    kept = {each.args[0] for each in site.beside("upstream") if each.args and list(each.all("keepalive"))}
    for place in dict.fromkeys((level, *asked)):
        has_lines = (
            place.value("proxy_http_version") in ("1.1", "2") and place.headers().get("connection") == ""
        )
        if site.is_of_gate(place) and _upstream(place) in kept and not has_lines:
            yield broken("nginx_keepalive", place, upstream=_upstream(place))


def _upstream(level: Level) -> str:
    return level.value("proxy_pass").partition("://")[2].partition("/")[0]
