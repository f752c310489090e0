"""Checks of the options that the commands for proxies have in common."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from ..settings import Settings
from . import values

GATE = "127.0.0.1:4180"
APPLICATION = "127.0.0.1:8080"
MAX_COMMENT = 110

_Value = TypeVar("_Value")


class OptionError(ValueError):
    """An option cannot be used. The message names it and says what to write instead."""


def checked(option: str, check: Callable[[str], _Value], text: str) -> _Value:
    """Return the value of an option after `check` has accepted and converted it.

    Raises:
        OptionError: The value cannot be used.
    """
    try:
        return check(text)
    except ValueError as error:
        raise OptionError(f"{option}: {error}") from None


@dataclass(frozen=True, slots=True)
class PublicURL:
    """The URL at which users open the application.

    Attributes:
        scheme: ``https`` or ``http``.
        host: The name or the address, without a port.
        port: The port; that of the scheme by default.
    """

    scheme: str
    host: str
    port: int

    @property
    def is_tls(self) -> bool:
        """Return whether the proxy needs a certificate."""
        return self.scheme == "https"

    @property
    def has_own_port(self) -> bool:
        """Return whether the port differs from that of the scheme."""
        return self.port != (443 if self.is_tls else 80)

    @property
    def netloc(self) -> str:
        """Return the host, with the port if it is not the scheme's."""
        return f"{self.host}:{self.port}" if self.has_own_port else self.host


def public_url(settings: Settings, server_name: str) -> PublicURL:
    """Return the URL at which users open the application: `public_url`, or else https at ``--server-name``.

    Raises:
        OptionError: Neither is given, they differ, or `public_url` has a path.
    """
    name = checked("--server-name", values.host, server_name) if server_name else ""
    if not settings.public_url:
        if not name:
            raise OptionError(
                "there is no name to write: set public_url (OIDC_GATE_PUBLIC_URL=https://app.example.com), "
                "or give --server-name app.example.com"
            )
        return PublicURL("https" if settings.is_secure else "http", name, 443 if settings.is_secure else 80)
    if settings.public_path:
        raise OptionError(
            f"public_url has a path, {settings.public_path}, and `oidc-gate serve` answers below "
            f"{settings.prefix} only: set public_url to {settings.public_origin}, or put the gate into the "
            "application that is mounted at this path"
        )
    parts = urlsplit(settings.public_url)
    known = values.host(parts.hostname or "")
    if name and name != known:
        raise OptionError(
            f"--server-name {name}: public_url says {known}, where users are sent back to: leave the option out, "
            "or change public_url"
        )
    return PublicURL(parts.scheme, known, parts.port or (443 if parts.scheme == "https" else 80))


def paths(option: str, given: tuple[str, ...], prefix: str, *, may_be_exact: bool = False) -> tuple[str, ...]:
    """Return the paths that an option names.

    Args:
        may_be_exact: Whether a path without a slash at the end is accepted. It stands for that path alone.

    Raises:
        OptionError: One of them is malformed, is given twice, belongs to the gate, or has no slash at the end.
    """
    found = tuple(checked(option, values.path, each) for each in given)
    for number, each in enumerate(found):
        contains = each.endswith("/") and prefix.startswith(each)
        if contains or f"{each.rstrip('/')}/".startswith(f"{prefix}/"):
            raise OptionError(f"{option}: {each!r} contains or is below {prefix}, where the gate answers")
        if not each.endswith("/") and not may_be_exact:
            raise OptionError(f"{option}: write {each + '/'!r}, which covers everything below it")
        if each in found[:number]:
            raise OptionError(f"{option}: {each!r} is given twice")
    return found


class Restriction(NamedTuple):
    """A path for users in some groups only.

    Attributes:
        path: The path, with a slash at the end.
        name: A unique name: ``auth_`` and letters, digits and ``_``.
        groups: The groups, of which a user needs one.
    """

    path: str
    name: str
    groups: tuple[str, ...]


def restrictions(given: tuple[str, ...], prefix: str) -> tuple[Restriction, ...]:
    """Return the restrictions that ``--restrict`` names, each as ``/admin/=admins,staff``.

    Raises:
        OptionError: A path or a group cannot be used.
    """
    found: list[Restriction] = []
    names: set[str] = set()
    for each in given:
        path, equals, listed = each.partition("=")
        if not equals:
            raise OptionError(f"--restrict: {each!r} names no group: write it as /admin/=admins")
        groups = checked("--restrict", values.groups, listed)
        name = "auth_" + re.sub(r"[^a-z0-9]+", "_", "_".join(groups).lower())[:40]
        while name in names:
            name += "_"
        names.add(name)
        found.append(Restriction(path, name, groups))
    paths("--restrict", tuple(each.path for each in found), prefix)
    return tuple(found)


def check_given_once(*given: str) -> None:
    """Check that no path is given to two options.

    Raises:
        OptionError: A path is given to two of them.
    """
    for each in given:
        if given.count(each) > 1:
            raise OptionError(
                f"{each!r} is given to two of --restrict, --public and --api: choose one of them"
            )


def start_command(settings: Settings, gate: str) -> tuple[str, ...]:
    """Return the words of the command that starts the gate, with the settings that the configuration depends on.

    It contains no secret.
    """
    given = {
        "PUBLIC_URL": settings.public_url or "...",
        "COOKIE_DOMAIN": settings.cookie_domain or "",
        "ALLOWED_REDIRECT_HOSTS": ",".join(settings.allowed_redirect_hosts),
        "PREFIX": settings.prefix if settings.prefix != "/oauth2" else "",
        "COOKIE_NAME": settings.cookie_name if settings.cookie_name != "oidc_gate" else "",
        "ISSUER": "...",
        "CLIENT_ID": "...",
        "CLIENT_SECRET_FILE": "...",
        "COOKIE_SECRET_FILE": "...",
    }
    return (
        *(f"OIDC_GATE_{name}={value}" for name, value in given.items() if value),
        "oidc-gate",
        "serve",
        *_listen(gate),
    )


def _listen(gate: str) -> list[str]:
    if gate.startswith("unix:"):
        return ["--uds", gate.removeprefix("unix:")]
    host, _, port = gate.rpartition(":")
    return [*([] if host == "127.0.0.1" else ["--host", host.strip("[]")]), "--port", port]


def comment(words: Sequence[str]) -> str:
    r"""Return a command as lines of a comment, with ``\`` at the end of each line except the last.

    Args:
        words: The words of the command. Characters that would end a line of a comment are replaced.
    """
    lines = [""]
    for word in words:
        quoted = shlex.quote("".join(each if each.isprintable() else "?" for each in word))
        if lines[-1] and len(lines[-1]) + len(quoted) > MAX_COMMENT:
            lines.append("")
        lines[-1] += f" {quoted}" if lines[-1] else quoted
    return "".join(f"#   {line}{'' if line is lines[-1] else ' ' + chr(92)}\n" for line in lines)
