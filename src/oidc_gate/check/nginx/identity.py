"""Rules for the headers that name the user to the application, and the lines to write instead."""

from __future__ import annotations

import re

from .locations import Level
from .site import Rule, broken

IDENTITY = ("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username")
_SUFFIXES = "user|email|groups|preferred[-_]username|access[-_]token"
_HEADER = re.compile(rf"x-(?:forwarded|auth-request)-({_SUFFIXES})$")
_CLIENT = re.compile(rf"\$\{{?(?:http|sent_http)_x_(?:forwarded|auth_request)_({_SUFFIXES})")
_VARIABLES = {"preferred-username": "$oidc_username", "access-token": "$oidc_token"}


def check_identity(level: Level) -> Rule:
    """Yield what is wrong with the identity headers in a location with `auth_request`."""
    yield from _missing(level)
    for each in level.nearest("proxy_set_header"):
        header = _HEADER.match(each.args[0].lower()) if len(each.args) == 2 else None
        if header and _CLIENT.search(each.args[1]):
            yield broken("nginx_identity_from_client", each, **_lines(each.args[0], header[1]))
        elif header and "$upstream_http_" in each.args[1]:
            yield broken("nginx_auth_request_set_missing", each, **_lines(each.args[0], header[1]))
    for each in level.nearest("auth_request_set"):
        claimed = _CLIENT.search(each.args[1]) if len(each.args) == 2 else None
        if claimed:
            suffix = claimed[1].replace("_", "-")
            lines = _lines(f"X-Forwarded-{suffix.title()}", suffix, each.args[0])
            yield broken("nginx_identity_from_client", each, **lines)


def _missing(level: Level) -> Rule:
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
        yield broken(
            "nginx_headers_lost", level.own("proxy_set_header")[0], names=", ".join(dict.fromkeys(lost))
        )
    elif missing:
        lines = " ".join(f"proxy_set_header {name} {_value(level, name)};" for name in missing)
        yield broken("nginx_identity_forgeable", level, names=", ".join(missing), lines=lines)


def _value(level: Level, name: str) -> str:
    """Return the variable with the value of a header in this location, or an empty string in quotation marks."""
    source = "$upstream_http_" + name.lower().replace("x-forwarded", "x_auth_request").replace("-", "_")
    sets = [each.args for each in level.nearest("auth_request_set") if len(each.args) == 2]
    return next((variable for variable, value in sets if value == source), '""')


def _lines(name: str, suffix: str, variable: str = "") -> dict[str, str]:
    """Return the two directives by which the application gets a header from the gate's answer."""
    variable = variable or _VARIABLES.get(suffix, f"$oidc_{suffix}")
    source = f"$upstream_http_x_auth_request_{suffix.replace('-', '_')}"
    return {
        "from_gate": f"auth_request_set {variable} {source};",
        "to_application": f"proxy_set_header {name} {variable};",
    }
