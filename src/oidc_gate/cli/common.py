"""The types of arguments that several commands have, and the error that ends a command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PORT = 65535


class CommandError(Exception):
    """The command cannot continue. The message says what to do instead."""


def port(text: str) -> int:
    """Return the port in the text of an argument; 0 stands for any free port."""
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number from 0 to {MAX_PORT}")
    return int(text)


def served_port(text: str) -> int:
    """Return the port in the text of an argument, without 0, because a proxy has to know the port."""
    if (number := port(text)) == 0:
        raise argparse.ArgumentTypeError(
            f"'0' is any free port, which no proxy knows: write one from 1 to {MAX_PORT}"
        )
    return number


def count(text: str) -> int:
    """Return the number in the text of an argument, at least 1."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of them: write 1 or more")
    return int(text)


@contextmanager
def needing_extra(extra: str, *packages: str) -> Iterator[None]:
    """Raise a clear error if the block imports a package of an extra that is not installed.

    Args:
        extra: The name of the extra.
        packages: The packages of the extra that the block imports.

    Raises:
        CommandError: One of `packages` is not installed. The message says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in packages:
            raise
        raise CommandError(f"{package} is not installed; write: pip install 'oidc_gate[{extra}]'") from None
