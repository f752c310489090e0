"""The servers and locations of a configuration: which one serves a path, and what it inherits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .reading import Directive

_VARIABLE = re.compile(r"\$\{?\w+\}?")


@dataclass(frozen=True, slots=True)
class Level:
    """A ``location`` block, or a ``server`` block itself, with the blocks that contain it.

    Args:
        directive: The block.
        around: The blocks that contain it, the nearest first.
    """

    directive: Directive
    around: tuple[Directive, ...]

    @property
    def where(self) -> str:
        """Return file and line."""
        return self.directive.where

    @property
    def shown(self) -> str:
        """Return the first line of the block, such as ``location /``."""
        return " ".join((self.directive.name, *self.directive.args))

    def blocks(self) -> tuple[Directive, ...]:
        """Return the block and those around it, the nearest first."""
        return (self.directive, *self.around)

    def nearest(self, name: str) -> list[Directive]:
        """Return the directives `name` that apply: those of the nearest block that has any."""
        return next((found for block in self.blocks() if (found := list(block.all(name)))), [])

    def value(self, name: str) -> str:
        """Return the first argument of the directive that applies, or an empty string."""
        return next((each.args[0] for each in self.nearest(name) if each.args), "")

    def own(self, name: str) -> list[Directive]:
        """Return the directives `name` of this block alone."""
        return list(self.directive.all(name))

    @property
    def auth_request(self) -> str:
        """Return the URI of the subrequest, or an empty string."""
        value = self.value("auth_request")
        return "" if value == "off" else value

    def headers(self) -> dict[str, str]:
        """Return the headers that `proxy_set_header` sets, by their name in lower case."""
        return {
            each.args[0].lower(): each.args[1]
            for each in self.nearest("proxy_set_header")
            if len(each.args) == 2
        }

    def error_pages(self) -> dict[str, tuple[str, Directive]]:
        """Return the target of `error_page` and the directive, by status."""
        found: dict[str, tuple[str, Directive]] = {}
        for each in self.nearest("error_page"):
            codes = [arg for arg in each.args[:-1] if arg.isdigit()]
            for code in codes:
                found.setdefault(code, (each.args[-1], each))  # Nginx takes the first
        return found

    @property
    def proxies(self) -> bool:
        """Return whether the location passes requests on."""
        return any(
            self.own(name) for name in ("proxy_pass", "uwsgi_pass", "fastcgi_pass", "grpc_pass", "scgi_pass")
        )


def servers(directives: Sequence[Directive]) -> Iterator[Level]:
    """Yield every server of the configuration, also of a file that belongs inside ``http { }``."""
    for each in directives:
        if each.name == "server":
            yield Level(each, ())
        elif each.name == "http":
            yield from (Level(server, (each,)) for server in each.all("server"))


def locations(level: Level) -> Iterator[Level]:
    """Yield every location inside, also nested ones."""
    for each in level.directive.all("location"):
        below = Level(each, level.blocks())
        yield below
        yield from locations(below)


def location_of(level: Level, path: str) -> Level:
    """Return the location that serves `path`, or the server itself.

    Spec: the documentation of ``location`` in ngx_http_core_module: exact, then the longest prefix, where ``^~`` ends
    the search, then the first regular expression.
    """
    best: Level | None = None
    for each in level.directive.all("location"):
        modifier, pattern = _pattern(each)
        if modifier == "=" and pattern == path:
            return Level(each, level.blocks())
        is_longer = best is None or len(pattern) > len(_pattern(best.directive)[1])
        if modifier in ("", "^~") and path.startswith(pattern) and is_longer:
            best = Level(each, level.blocks())
    if best is not None and _pattern(best.directive)[0] == "^~":
        return location_of(best, path)
    inner = location_of(best, path) if best is not None else level
    if best is not None and _pattern(inner.directive)[0] in ("=", "~", "~*"):
        return inner
    for each in level.directive.all("location"):
        modifier, pattern = _pattern(each)
        if modifier in ("~", "~*") and _matches(pattern, path, ignores_case=modifier == "~*"):
            return location_of(Level(each, level.blocks()), path)
    return inner


def _pattern(location: Directive) -> tuple[str, str]:
    if len(location.args) == 2:
        return location.args[0], location.args[1]
    text = location.args[0] if location.args else ""
    return ("", text) if text.startswith(("/", "@")) else ("@", text)


def _matches(pattern: str, path: str, *, ignores_case: bool) -> bool:
    try:
        return bool(re.search(pattern, path, re.IGNORECASE if ignores_case else 0))
    except re.error:  # PCRE has more than Python
        return False


def passed_path(location: Level, path: str) -> str | None:
    """Return the path with which `proxy_pass` sends a request for `path`; None if that is unknown.

    Spec: the documentation of ``proxy_pass``: a URI in it replaces the part that matches the location.
    """
    url = next((each.args[0] for each in location.own("proxy_pass") if each.args), "")
    if not url:
        return None
    rest = url.partition("://")[2] if "://" in url else url
    host, slash, uri = rest.partition("/")
    if not slash or host.startswith("unix:"):
        return path
    if _VARIABLE.search(url):
        return None
    modifier, pattern = _pattern(location.directive)
    return f"/{uri}" + path[len(pattern) :] if modifier in ("", "^~", "=") else None
