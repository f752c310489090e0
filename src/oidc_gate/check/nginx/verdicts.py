"""Rules for the locations that `auth_request` names: what they send to the gate, and caches of its verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from .locations import Level, location_of
from .site import MIN_BUFFER, Rule, Site, broken, seconds, size

MAX_CACHED_SECONDS = 60
_OF_A_SOCKET = ("origin", "sec-websocket-key", "sec-websocket-version")
_OWN_PATH = ("$uri", "$document_uri", "$request_uri")


def check_verdicts(site: Site, levels: Sequence[Level]) -> Rule:
    """Yield what is wrong in each location that an `auth_request` of these levels names."""
    asked: list[Level] = []
    for uri in dict.fromkeys(level.auth_request for level in levels if level.auth_request):
        if "?" in uri:
            user = next(level for level in levels if level.auth_request == uri)
            yield broken("nginx_auth_request_query", user, uri=uri)
        level = location_of(site.server, uri.partition("?")[0])
        if level not in asked and level.proxies and (site.is_of_gate(level) or not level.auth_request):
            asked.append(level)
    for level in asked:
        yield from _request(level)
        yield from _cache(level)
        for other in asked:
            if other is not level and _share_a_cache(level, other):
                yield broken("nginx_verdict_cache_shared", other, other=level.shown)
    yield from _rules_by_request_uri(site, levels, asked)


def _request(level: Level) -> Rule:
    headers = level.headers()
    if headers.get("cookie") == "" or level.value("proxy_pass_request_headers") == "off":
        yield broken("nginx_auth_cookie_dropped", level)
    cleared = [name for name in _OF_A_SOCKET if headers.get(name) == ""]
    if cleared:
        yield broken("nginx_origin_cleared", level, names=", ".join(cleared))
    if not level.own("internal"):
        yield broken("nginx_auth_not_internal", level)
    if size(level.value("proxy_buffer_size")) < MIN_BUFFER:
        yield broken("nginx_auth_buffers", level)


def _key(level: Level) -> str:
    return " ".join(arg for each in level.nearest("proxy_cache_key") for arg in each.args)


def _cache(level: Level) -> Rule:
    if level.value("proxy_cache") in ("", "off"):
        return
    key, headers = _key(level), level.headers()
    for each in level.nearest("proxy_ignore_headers"):
        if "set-cookie" in [arg.lower() for arg in each.args]:
            yield broken("nginx_verdict_cache_set_cookie", each)
    sent = [headers.get(name, "") for name in ("x-original-uri", "x-original-url", "x-forwarded-uri")]
    if any("$request_uri" in value for value in sent) and "cookie" in key and "$request_uri" not in key:
        yield broken("nginx_verdict_cache_path", level)
    for each in level.nearest("proxy_cache_valid"):
        if each.args and seconds(each.args[-1]) > MAX_CACHED_SECONDS:
            yield broken("nginx_verdict_cache_long", each, time=each.args[-1])


def _share_a_cache(one: Level, other: Level) -> bool:
    zone, key = one.value("proxy_cache"), _key(one)
    same = zone not in ("", "off") and (zone, key) == (other.value("proxy_cache"), _key(other))
    return same and bool(key) and not any(variable in key for variable in _OWN_PATH)


def _rules_by_request_uri(site: Site, levels: Sequence[Level], asked: Sequence[Level]) -> Rule:
    for each in site.beside("map"):
        if len(each.args) == 2 and "$request_uri" in each.args[0]:
            for level in asked:
                if each.args[1] in level.value("proxy_pass"):
                    yield broken("nginx_rule_by_request_uri", each)
    for level in levels:
        for each in level.own("if"):
            if each.args and each.args[0].lstrip("(").startswith("$request_uri"):
                yield broken("nginx_rule_by_request_uri", each)
