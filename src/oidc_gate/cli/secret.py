"""Print a new cookie secret: 256 random bits, as OIDC_GATE_COOKIE_SECRET takes them."""

from __future__ import annotations

import argparse
import secrets


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: there is nothing to choose."""


def run(options: argparse.Namespace) -> int:
    """Print the secret."""
    print(secrets.token_urlsafe(32))
    return 0
