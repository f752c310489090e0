"""Print a complete Caddyfile for this gate.

The settings come from OIDC_GATE_* variables and from the file that --config or OIDC_GATE_CONFIG names, as for
"oidc-gate serve"; none of their secrets is printed. "oidc-gate explain caddy.md" explains each part of the output.

Save it as /etc/caddy/Caddyfile, or in a file that it imports. Then run "caddy validate", and "oidc-gate check --url".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from ..proxies.caddy import CaddyOptions, caddy_configuration
from ..settings import Settings
from .proxies import add_common_arguments, add_path_arguments, only_upstream, print_configuration

EXAMPLES = """
oidc-gate caddy --config gate.toml > /etc/caddy/Caddyfile
oidc-gate caddy --restrict /admin/=admins --public /static/ --upstream unix:/run/app.sock
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the configuration of Caddy."""
    add_common_arguments(parser)
    add_path_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the Caddyfile."""
    chosen = CaddyOptions(
        upstream=only_upstream(options),
        gate=options.gate,
        server_name=options.server_name,
        restricted=tuple(options.restrict),
        public=tuple(options.public),
    )
    return print_configuration(options, partial(_build, chosen))


def _build(chosen: CaddyOptions, settings: Settings, command: Sequence[str]) -> str:
    return caddy_configuration(settings, chosen, command)
