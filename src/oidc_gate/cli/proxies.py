"""The arguments and the settings of the commands that print a configuration for a proxy."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import ConfigurationError
from ..proxies.options import APPLICATION, GATE, OptionError
from ..settings import Settings
from .common import CommandError

_NOT_WRITTEN: Mapping[str, Any] = {
    "issuer": "https://op.invalid",
    "client_id": "...",
    "cookie_secret": secrets.token_urlsafe(32),
}
"""Settings that a configuration of a proxy does not depend on, for a gate that is not set up yet."""


def add_common_arguments(parser: argparse.ArgumentParser, *, upstream: str = "") -> None:
    """Add the arguments that each of these commands has.

    Args:
        upstream: The help of ``--upstream``; by default it is that of one address.
    """
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings of the gate")
    parser.add_argument(
        "--upstream",
        metavar="ADDRESS",
        action="append",
        default=[],
        help=upstream or f"address of your application ({APPLICATION})",
    )
    parser.add_argument("--gate", metavar="ADDRESS", default=GATE, help=f"address of the gate ({GATE})")
    parser.add_argument(
        "--server-name", metavar="HOST", default="", help="host of the application (that of public_url)"
    )


def add_path_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for paths of some groups, and for paths without a sign-in."""
    parser.add_argument(
        "--restrict",
        metavar="LOCATION=GROUPS",
        action="append",
        default=[],
        help="a path for some groups only: /admin/=admins,staff; may be repeated",
    )
    parser.add_argument(
        "--public",
        metavar="LOCATION",
        action="append",
        default=[],
        help="a path without sign-in: /static/, or /robots.txt for this path alone; may be repeated",
    )


def only_upstream(options: argparse.Namespace) -> str:
    """Return the address of ``--upstream``, which may be given only once.

    Raises:
        CommandError: It was given several times.
    """
    if len(options.upstream) > 1:
        raise CommandError(f"--upstream: {options.command} has one application here: give one address")
    return str(options.upstream[0]) if options.upstream else APPLICATION


def settings_for_proxy(config: str | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the gate. Required ones that are missing are replaced, because no proxy needs them.

    Raises:
        ConfigurationError: The settings that are set cannot work.
    """
    try:
        return Settings.load(config=config, environ=environ)
    except ConfigurationError as error:
        missing = [each.setting for each in error.problems if each.code == "missing"]
        if len(missing) < len(error.problems) or not _NOT_WRITTEN.keys() >= {*missing}:
            raise
    print(f"oidc-gate: not set yet, and not needed here: {', '.join(missing)}", file=sys.stderr)
    replaced: Any = {name: _NOT_WRITTEN[name] for name in missing}
    return Settings.load(config=config, environ=environ, **replaced)


def print_configuration(options: argparse.Namespace, build: Callable[[Settings, Sequence[str]], str]) -> int:
    """Print what `build` returns for the settings and for the words of the command as it was typed.

    Raises:
        CommandError: An option cannot be used.
    """
    settings = settings_for_proxy(options.config, os.environ)
    try:
        text = build(settings, ("oidc-gate", *options.words))
    except OptionError as error:
        raise CommandError(str(error)) from None
    sys.stdout.write(text)
    return 0
