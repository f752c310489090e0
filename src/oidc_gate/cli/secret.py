"""Print a new cookie secret of 256 random bits, for OIDC_GATE_COOKIE_SECRET."""

from __future__ import annotations

import argparse
import secrets

EXAMPLES = """
oidc-gate secret
export OIDC_GATE_COOKIE_SECRET=$(oidc-gate secret)
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(options: argparse.Namespace) -> int:
    """Print the secret."""
    print(secrets.token_urlsafe(32))
    return 0
