"""The configuration of Caddy that asks the gate about every request: what ``oidc-gate caddy`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..settings import Settings
from ..syntax.cookie_names import own_names_pattern
from . import values
from .options import (
    APPLICATION,
    GATE,
    OptionError,
    check_given_once,
    checked,
    comment,
    paths,
    public_url,
    restrictions,
    start_command,
)
from .template import fill, read_template
from .values import encoded

CHECK = """\
{{about}}
reverse_proxy {{gate}} {
    method GET
    rewrite {{prefix}}/forward?{{query}}
    header_up X-Forwarded-Method {method}
    header_up X-Forwarded-Uri {uri}
    {{original}}

    @renewed {
        status 2xx
        header Set-Cookie *
    }
    handle_response @renewed {
        {{identity}}
        header +Set-Cookie {rp.header.Set-Cookie}
        header {
            Cache-Control private
            defer
        }
    }
    @admitted status 2xx
    handle_response @admitted {
        {{identity}}
    }
}
"""
ABOUT = "# This is forward_auth written out, so that a renewed session reaches the browser.\n"
IDENTITY = """\
request_header X-Forwarded-User {rp.header.X-Auth-Request-User}
request_header X-Forwarded-Email {rp.header.X-Auth-Request-Email}
request_header X-Forwarded-Groups {rp.header.X-Auth-Request-Groups}
request_header X-Forwarded-Groups-Incomplete {rp.header.X-Auth-Request-Groups-Incomplete}
request_header X-Forwarded-Preferred-Username {rp.header.X-Auth-Request-Preferred-Username}
"""
ACCESS_TOKEN = "request_header X-Forwarded-Access-Token {rp.header.X-Auth-Request-Access-Token}\n"
AUTHORIZATION = "request_header Authorization {rp.header.Authorization}\n"
RESTRICTED = """\
# Only {{groups}}.
@{{name}} path {{exact}} {{path}}*
handle @{{name}} {
    {{check}}
}

"""
OTHERS = """\
handle {
    {{check}}
}
"""
ALL_BUT_PUBLIC = """\
# All but public paths, where the identity headers are removed above. The pattern is case-sensitive, as paths are.
@protected not path_regexp {{pattern}}
handle @protected {
    {{check}}
}
"""
PUBLIC_PATHS_NOTE = """\
#
# public_paths of the settings have no effect on the requests of Caddy, until original_uri_header is X-Forwarded-Uri,
# original_method_header is X-Forwarded-Method, and trusted_proxies names Caddy.
"""


@dataclass(frozen=True, kw_only=True)
class CaddyOptions:
    """The options of ``oidc-gate caddy``; `caddy_configuration` checks them.

    Args:
        restricted: Paths for some groups only, each as ``/admin/=admins,staff``.
        public: Paths that need no sign-in.
    """

    upstream: str = APPLICATION
    gate: str = GATE
    server_name: str = ""
    restricted: tuple[str, ...] = ()
    public: tuple[str, ...] = ()


def caddy_configuration(
    settings: Settings, options: CaddyOptions, command: Sequence[str] = ("oidc-gate", "caddy")
) -> str:
    """Return a complete Caddyfile.

    Args:
        settings: The settings of the gate. None of their secrets is written.
        command: The words of the command that prints this, for a comment.

    Raises:
        OptionError: An option cannot be used, or not with these settings.
    """
    url = public_url(settings, options.server_name)
    gate = checked("--gate", values.address, options.gate)
    given = {
        "command": comment(command),
        "start": comment(start_command(settings, gate)),
        "notes": PUBLIC_PATHS_NOTE if settings.public_paths and not settings.original_uri_header else "",
        "site": url.netloc if url.is_tls else f"http://{url.netloc}",
        "prefix": settings.prefix,
        "gate": _caddy_address(gate),
        "upstream": _caddy_address(checked("--upstream", values.address, options.upstream)),
        "strip_authorization": "request_header -Authorization\n" if settings.pass_authorization else "",
        "cookie_pattern": own_names_pattern(settings.cookie_prefix + settings.cookie_name),
        "identity": _identity(settings),
        "original": _original(settings),
    }
    return fill(read_template("Caddyfile"), given | {"checks": _checks(settings, options, given)})


def _checks(settings: Settings, options: CaddyOptions, given: dict[str, str]) -> str:
    """Return the directives that ask the gate: one check for all paths, or one for each kind of path."""
    restricted = restrictions(options.restricted, settings.prefix)
    public = paths("--public", options.public, settings.prefix, may_be_exact=True)
    check_given_once(*public, *(path for path, _, _ in restricted))
    for each in public:
        for path, _, _ in restricted:
            if each.startswith(path):
                raise OptionError(f"--public: {each!r} is below {path!r}, which --restrict covers whole")

    def check(query: str = "", about: str = "") -> str:
        return fill(CHECK, given | {"query": query, "about": about})

    if not restricted and not public:
        return check(about=ABOUT)
    blocks = []
    # The longest path first, so that a restricted path inside another one requires only its own groups.
    for path, name, groups in sorted(restricted, key=lambda each: -len(each[0])):
        query = f"allowed_groups={encoded(groups)}"
        shown = ", ".join(f'"{group}"' for group in groups)
        named = {
            "groups": f"users in one of these groups: {shown}",
            "name": name,
            "path": path,
            "exact": path.rstrip("/"),
        }
        blocks.append(fill(RESTRICTED, named | {"check": check(query)}))
    rest = {"check": check(about=ABOUT), "pattern": _pattern(public)}
    return "".join([*blocks, fill(ALL_BUT_PUBLIC if public else OTHERS, rest)])


def _pattern(public: tuple[str, ...]) -> str:
    """Return a regular expression without spaces that matches the public paths, which have been checked."""
    escaped = [path.replace(".", "\\.") + ("" if path.endswith("/") else "$") for path in public]
    return f"^(?:{'|'.join(escaped)})"


def _identity(settings: Settings) -> str:
    token = ACCESS_TOKEN if settings.pass_access_token else ""
    return IDENTITY + token + (AUTHORIZATION if settings.pass_authorization else "")


def _original(settings: Settings) -> str:
    """Return the headers that the settings expect, beyond those that are always sent."""
    sent = {"x-forwarded-uri", "x-forwarded-method"}
    named = ((settings.original_uri_header, "{uri}"), (settings.original_method_header, "{method}"))
    return "".join(
        f"header_up {name} {value}\n" for name, value in named if name and name.lower() not in sent
    )


def _caddy_address(address: str) -> str:
    return "unix/" + address.removeprefix("unix:") if address.startswith("unix:") else address
