"""The part of the check that reads the configuration of Nginx."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from ...settings import Settings
from ..catalogue import CAUSES
from ..findings import Finding
from .locations import servers
from .reading import MAX_BYTES, Directive, UnreadableError, read_dump, read_file
from .rules import check_server
from .site import Site

__all__ = ["UnreadableError", "check_nginx"]

_TOP = ("http", "server", "events", "stream", "user", "worker_processes")


def check_nginx(path: str, settings: Settings | None) -> list[Finding]:
    """Return what is wrong in the configuration of Nginx.

    Args:
        path: The main file, or ``-`` for the output of ``nginx -T`` on standard input.
        settings: The settings of the gate, if they could be read.

    Raises:
        UnreadableError: The configuration cannot be read; the message says why.
        ModuleNotFoundError: The extra ``[check]`` is not installed.
    """
    directives = read_dump(sys.stdin.read(MAX_BYTES + 1)) if path == "-" else read_file(path)
    if not any(each.name in _TOP for each in directives):
        raise UnreadableError(
            f"{path} is not a whole configuration of Nginx: it has no `http` and no `server`"
        )
    mount = settings.public_path if settings else ""
    prefix = mount + (settings.prefix if settings else "/oauth2")
    has_public_url = bool(settings and settings.public_url)
    needs_host = not has_public_url or bool(settings and settings.allowed_redirect_hosts)
    cookie = settings.cookie_prefix + settings.cookie_name if settings else ""
    sites = [
        Site(server, prefix, has_public_url, needs_host, cookie, directives) for server in servers(directives)
    ]
    broken = [each for site in sites for each in check_server(site)]
    if not any(each.name == "auth_request" for each in _walk(directives)):
        return [Finding(CAUSES["nginx_no_auth_request"], "nginx", path, {"prefix": prefix})]
    return [
        Finding(CAUSES[each.cause], "nginx", each.where, {"prefix": prefix, **each.facts}) for each in broken
    ]


def _walk(directives: Iterable[Directive]) -> Iterator[Directive]:
    for each in directives:
        yield each
        yield from _walk(each.block or ())
