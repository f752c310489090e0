"""The command ``oidc-gate``. Each of its subcommands is a module of this package."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import __version__
from ..errors import ConfigurationError
from .common import CommandError
from .parser import Parser, print_help

COMMANDS = {
    "serve": "answer /oauth2/... for Nginx and other proxies",
    "demo": "show the gate in front of a sample application, with a provider to sign in at",
    "check": "find out why sign-in does not work",
    "explain": "explain a name that the log, an error page or the check shows",
    "nginx": "print a complete configuration of Nginx for these settings",
    "caddy": "print a complete Caddyfile for these settings",
    "traefik": "print a complete dynamic configuration of Traefik for these settings",
    "sessions": "list, count or end sessions in a store",
    "secret": "print a new cookie secret",
    "completion": "print the completion of this command for a shell",
}
"""The subcommands, in the order of the help. Each is a module with ``configure``, ``run`` and ``EXAMPLES``."""

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 plus the number of SIGINT, as in shells."""

BROKEN_PIPE = 141
"""The exit status if the reader of the output has closed it, as ``head`` does: 128 plus the number of SIGPIPE."""

_EPILOG = """\
to see it work, without any configuration:
  oidc-gate demo

in front of an application behind Nginx:
  oidc-gate serve --config gate.toml
  oidc-gate check --config gate.toml --nginx /etc/nginx/nginx.conf --url https://app.example.com/

oidc-gate COMMAND --help explains a command and has examples.
"""


def build_parser() -> Parser:
    """Return the parser of the command line, with every subcommand."""
    parser = Parser(
        prog="oidc-gate", description="OpenID Connect sign-in for web applications.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"oidc-gate {__version__}")
    for name, purpose in COMMANDS.items():
        parser.add_command(name, import_module(f".{name}", __name__), purpose)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: The arguments; those of the command line by default.

    Returns:
        The exit status: 0, or 2 if the settings or the arguments cannot work. `check` has a status of its own.
    """
    words = sys.argv[1:] if arguments is None else [*arguments]
    parser = build_parser()
    try:
        options = parser.parse_args(words)
        options.words = words  # for the commands that print their own command line
        if options.command is None:
            return print_help(parser)
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except (ConfigurationError, CommandError) as error:
        print(f"oidc-gate: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Otherwise Python tries to write the rest when it ends, and reports that this failed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
