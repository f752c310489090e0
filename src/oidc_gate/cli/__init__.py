"""The command ``oidc-gate``. Each of its subcommands is a module that is imported when it is run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import __version__
from ..errors import ConfigurationError
from .common import CommandError

COMMANDS = {
    "serve": "answer /oauth2/... for Nginx and other proxies",
    "demo": "show the gate in front of a sample application, with a provider to sign in at",
    "check": "find out why sign-in does not work",
    "secret": "print a new cookie secret",
}
"""The subcommands, in the order of the help. Each is a module of this package with ``configure`` and ``run``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: The arguments; those of the command line by default.

    Returns:
        The exit status: 0, or 2 if the settings or the arguments cannot work. `check` has a status of its own.
    """
    parser = argparse.ArgumentParser(
        prog="oidc-gate", description="OpenID Connect sign-in for web applications."
    )
    parser.add_argument("--version", action="version", version=f"oidc-gate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        module = import_module(f".{name}", __name__)
        command = commands.add_parser(name, help=purpose, description=module.__doc__)
        module.configure(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (ConfigurationError, CommandError) as error:
        print(f"oidc-gate: {error}", file=sys.stderr)
        return 2
