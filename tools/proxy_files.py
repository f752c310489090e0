"""Write the configurations in the documentation as the commands for proxies print them: ``make proxies``.

A test compares the committed files with what would be written.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from oidc_gate.cli import main

DOCS = Path(__file__).parents[1] / "docs"
ONE = {"PUBLIC_URL": "https://app.example.com"}
SEVERAL = {
    "PUBLIC_URL": "https://auth.example.com",
    "COOKIE_DOMAIN": "example.com",
    "ALLOWED_REDIRECT_HOSTS": "app.example.com,wiki.example.com",
}
FILES: dict[str, tuple[Mapping[str, str], str]] = {
    "caddy/Caddyfile": (ONE, "caddy"),
    "traefik/oidc_gate.yml": (ONE, "traefik"),
    "nginx/sign-in-page.conf": (ONE, "nginx --restrict /admin/=admins --public /public/"),
    "nginx/sign-in-page-403.conf": (ONE, "nginx --form page-403"),
    "nginx/redirect.conf": (ONE, "nginx --form redirect"),
    "nginx/subdomains.conf": (
        SEVERAL,
        "nginx --upstream app.example.com=127.0.0.1:8080 --upstream wiki.example.com=127.0.0.1:8081",
    ),
}
"""Each file, with the settings, and the arguments of ``oidc-gate``."""


def printed(settings: Mapping[str, str], *arguments: str) -> str:
    """Return what ``oidc-gate`` prints with no other settings than these.

    Raises:
        ValueError: It prints an error.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OIDC_GATE_")}
    environ |= {f"OIDC_GATE_{name}": value for name, value in settings.items()}
    output, errors = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, environ, clear=True), redirect_stdout(output), redirect_stderr(errors):
        status = main(arguments)
    if status:
        raise ValueError(errors.getvalue())
    return output.getvalue()


if __name__ == "__main__":
    for name, (settings, arguments) in FILES.items():
        (DOCS / name).write_text(printed(settings, *arguments.split()), encoding="utf-8")
