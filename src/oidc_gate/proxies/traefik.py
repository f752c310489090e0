"""The configuration of Traefik that asks the gate about every request: what ``oidc-gate traefik`` prints."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..policy.identity_headers import stripped_names
from ..settings import Settings
from . import values
from .options import APPLICATION, GATE, OptionError, checked, comment, public_url, start_command
from .template import fill, read_template

IDENTITY = ("User", "Email", "Groups", "Groups-Incomplete", "Preferred-Username")
PUBLIC_PATHS_NOTE = """\
#
# public_paths of the settings have no effect on the requests of Traefik, until original_uri_header is X-Forwarded-Uri,
# original_method_header is X-Forwarded-Method, and trusted_proxies names Traefik.
"""


@dataclass(frozen=True, kw_only=True)
class TraefikOptions:
    """The options of ``oidc-gate traefik``; `traefik_configuration` checks them."""

    upstream: str = APPLICATION
    gate: str = GATE
    server_name: str = ""


def traefik_configuration(
    settings: Settings, options: TraefikOptions, command: Sequence[str] = ("oidc-gate", "traefik")
) -> str:
    """Return dynamic configuration for Traefik's file provider, as YAML.

    Args:
        settings: The settings of the gate. None of their secrets is written.
        command: The words of the command that prints this, for a comment.

    Raises:
        OptionError: An option cannot be used, or not with these settings.
    """
    url = public_url(settings, options.server_name)
    gate = _host_and_port("--gate", options.gate)
    identity = _identity(settings)
    removed = sorted({name for each in stripped_names(settings) for name in spellings(each)})
    known = {name.lower() for name in identity}
    given = {
        "command": _without_templates(comment(command)),
        "start": comment(start_command(settings, gate)),
        "notes": PUBLIC_PATHS_NOTE if settings.public_paths and not settings.original_uri_header else "",
        "host": url.host.strip("[]"),
        "prefix": settings.prefix,
        "entry_point": "websecure" if url.is_tls else "web",
        "tls": "tls: {}\n" if url.is_tls else "",
        "gate": gate,
        "upstream": _host_and_port("--upstream", options.upstream),
        "identity": "".join(f"- {name}\n" for name in identity),
        "cookie": settings.cookie_prefix + settings.cookie_name,
        "removed": "".join(f'{name}: ""\n' for name in removed if name not in known),
    }
    return fill(read_template("traefik.yml"), given)


def spellings(name: str) -> Iterator[str]:
    """Yield `name` with each of its dashes as ``-`` and as ``_``.

    Traefik removes a header by its exact name, in upper or lower case. A WSGI application cannot distinguish
    ``X_Forwarded_User`` from ``X-Forwarded-User``.
    """
    parts = name.split("-")
    for joints in itertools.product("-_", repeat=len(parts) - 1):
        yield parts[0] + "".join(joint + part for joint, part in zip(joints, parts[1:], strict=True))


def _identity(settings: Settings) -> tuple[str, ...]:
    names = [f"X-Auth-Request-{suffix}" for suffix in IDENTITY]
    names += ["X-Auth-Request-Access-Token"] if settings.pass_access_token else []
    names += ["Authorization"] if settings.pass_authorization else []
    return tuple(names)


def _host_and_port(option: str, text: str) -> str:
    address = checked(option, values.address, text)
    if address.startswith("unix:"):
        raise OptionError(f"{option}: Traefik does not connect to Unix sockets: write host and port")
    return address


def _without_templates(text: str) -> str:
    """Return `text` without Go templates, which Traefik evaluates even in comments."""
    return re.sub(r"\{(?=\{)", "{ ", text)
