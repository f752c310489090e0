"""Explain a name that the log, an error page or "oidc-gate check" shows, or print a page of the documentation.

A name is a cause of the check, an error code, an event, a setting or a metric. Without one, the pages are listed.
"""

from __future__ import annotations

import argparse

from ..check import pages
from ..check.explanations import UnknownNameError, explain
from .common import CommandError

EXAMPLES = """
oidc-gate explain nginx_error_page_missing
oidc-gate explain flow_missing
oidc-gate explain public_url
oidc-gate explain nginx.md#notes
oidc-gate explain haproxy/oidc_gate.lua
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the name."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the name or the page to explain")


def run(options: argparse.Namespace) -> int:
    """Print the explanation."""
    if not pages.page_names():
        raise CommandError("this installation has no documentation; install oidc_gate from a wheel")
    if options.name is None:
        names = [name for name in pages.page_names() if name.endswith(".md") and "/" not in name]
        width = max(map(len, names))
        print(*(f"{name:{width}}  {pages.title(name)}" for name in names), sep="\n")
        return 0
    try:
        print(explain(options.name), end="")
    except UnknownNameError as error:
        raise CommandError(str(error)) from None
    return 0
