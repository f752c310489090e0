"""What several commands share: their arguments, and errors that end them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PORT = 65535


class CommandError(Exception):
    """The command cannot go on; the message says what to do instead."""


def port(text: str) -> int:
    """Return the port that an argument names; 0 is any free one."""
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number from 0 to {MAX_PORT}")
    return int(text)


def served_port(text: str) -> int:
    """Return the port that an argument names, at which a proxy can find the server."""
    if (number := port(text)) == 0:
        raise argparse.ArgumentTypeError(
            f"'0' is any free port, which no proxy knows: write one from 1 to {MAX_PORT}"
        )
    return number


def count(text: str) -> int:
    """Return the number that an argument names, at least 1."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of them: write 1 or more")
    return int(text)


@contextmanager
def needing_extra(extra: str, *packages: str) -> Iterator[None]:
    """Import in the block what an extra installs.

    Args:
        extra: Its name.
        packages: What it installs, as far as the block imports it.

    Raises:
        CommandError: One of `packages` is not installed; the message says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in packages:
            raise
        raise CommandError(f"{package} is not installed; write: pip install 'oidc_gate[{extra}]'") from None
