"""The values of the rules for Nginx: the server that they check, and the results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .locations import Level, location_of
from .reading import Directive

MIN_BUFFER = 8 * 1024
_USER = re.compile(r"(?<=://)[^/@\s]+@")
_ONLY_NAME_SHOWN = ("return", "proxy_set_header", "add_header", "auth_request_set")
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}
_SECONDS = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 7 * 86400,
    "M": 30 * 86400,
    "y": 365 * 86400,
}


class Broken(NamedTuple):
    """A rule that is broken.

    Attributes:
        cause: The cause of the catalogue.
        where: File and line.
        facts: The values of the placeholders in the texts of the cause.
    """

    cause: str
    where: str
    facts: Mapping[str, str]


class Site(NamedTuple):
    """One server of the configuration, and the facts of the gate that the rules need.

    Attributes:
        prefix: The path of the gate's endpoints.
        has_public_url: Whether the settings have `public_url`, so that the scheme of the request does not matter.
        needs_host: Whether the gate needs ``Host``: without `public_url`, and if it serves several hosts.
        cookie: The name of the session cookie, with its prefix; empty if the settings could not be read.
        around: The directives beside a server that is not inside ``http { }``.
    """

    server: Level
    prefix: str
    has_public_url: bool
    needs_host: bool
    cookie: str
    around: tuple[Directive, ...] = ()

    def location(self, endpoint: str) -> Level:
        """Return the location of an endpoint of the gate."""
        return location_of(self.server, f"{self.prefix}/{endpoint}")

    def named(self, name: str) -> Level | None:
        """Return the location ``@name``, or None if there is none."""
        found = (each for each in self.server.directive.all("location") if each.args == (name,))
        return next((Level(each, self.server.blocks()) for each in found), None)

    def beside(self, name: str) -> Iterator[Directive]:
        """Yield the directives `name` beside the server, such as ``upstream`` and ``map``."""
        around = self.server.around[0].block if self.server.around else self.around
        return (each for each in around or () if each.name == name)

    def is_of_gate(self, level: Level) -> bool:
        """Return whether a location is for the gate's paths alone: as a prefix, exact, or in a regular expression."""
        return any(argument.lstrip("^").startswith(self.prefix) for argument in level.directive.args)


Rule = Iterator[Broken]


def broken(cause: str, place: Level | Directive, **facts: str) -> Broken:
    """Return a broken rule with its place. Values of directives that can be secret are left out."""
    directive = place.directive if isinstance(place, Level) else place
    args = directive.args[:1] if directive.name in _ONLY_NAME_SHOWN else directive.args
    shown = {"location": " ".join((directive.name, *args)), **facts}
    return Broken(cause, place.where, {name: _USER.sub("(hidden)@", text) for name, text in shown.items()})


def size(text: str) -> int:
    """Return a size such as ``16k`` in bytes; 0 if `text` is not a size."""
    number, unit = (text, 1) if text.isdigit() else (text[:-1], _UNITS.get(text[-1:].lower(), 1))
    return int(number) * unit if number.isdigit() else 0


def seconds(text: str) -> float:
    """Return a time such as ``1h30m`` or ``60`` in seconds; 0 if `text` is not a time."""
    if text.isdigit():
        return int(text)
    found = re.findall(r"(\d+)(ms|[smhdwMy])", text)
    return sum(int(number) * _SECONDS[unit] for number, unit in found)
