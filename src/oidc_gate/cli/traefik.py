"""Print a complete dynamic configuration of Traefik for this gate.

The settings come from OIDC_GATE_* variables and from the file that --config or OIDC_GATE_CONFIG names, as for
"oidc-gate serve"; none of their secrets is printed. "oidc-gate explain traefik.md" explains each part of the output.

Save it where the file provider of Traefik's static configuration finds it. Then run "oidc-gate check --url".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from ..proxies.traefik import TraefikOptions, traefik_configuration
from ..settings import Settings
from .proxies import add_common_arguments, only_upstream, print_configuration

EXAMPLES = """
oidc-gate traefik --config gate.toml > /etc/traefik/oidc_gate.yml
oidc-gate traefik --gate gate:4180 --upstream app:8080
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the configuration of Traefik."""
    add_common_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the configuration."""
    chosen = TraefikOptions(
        upstream=only_upstream(options), gate=options.gate, server_name=options.server_name
    )
    return print_configuration(options, partial(_build, chosen))


def _build(chosen: TraefikOptions, settings: Settings, command: Sequence[str]) -> str:
    return traefik_configuration(settings, chosen, command)
