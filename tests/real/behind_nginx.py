"""docs/nginx/*.conf as they stand, under a real Nginx, with a real gate and a real application behind it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from tests.real.nginx import Nginx, nginx
from tests.real.ports import free_port
from tests.real.process import REPOSITORY, Server, running
from tests.real.servers import serving

RECIPES = REPOSITORY / "docs/nginx"
FORMS = {"page": "sign-in-page.conf", "page-403": "sign-in-page-403.conf", "redirect": "redirect.conf"}
APP = "https://app.example.com"
GATES = ("serve", "flask", "fastapi")

CLIENT_ID = "gate"
CLIENT_SECRET = "a client secret with spaces, + and % in it"
CALLBACK, SIGNED_OUT = "/oauth2/callback", "/oauth2/signed_out"

NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}
FETCH = {
    "Accept": "*/*",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
}


def gate_environment(issuer: str, public_url: str = APP, **settings: str) -> dict[str, str]:
    """Return the variables that a gate is configured by; keywords are further settings."""
    given = {
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "cookie_secret": secrets.token_urlsafe(32),
        "public_url": public_url,
        "scopes": "openid,email,profile,groups",
        "provider_timeout_seconds": "60",
    } | settings
    return {"OIDC_GATE_" + name.upper(): value for name, value in given.items()}


@contextmanager
def oidc_gate_serve(
    *options: str, directory: Path, env: Mapping[str, str], port: int | None = None, max_files: int = 0
) -> Iterator[Server]:
    """Run the command `oidc-gate serve`.

    Args:
        options: further words of its command line.
        max_files: how many file descriptors each of its processes may have; 0 for as many as this one.
    """
    port = port or free_port()
    argv = [sys.executable, "-m", "oidc_gate.cli", "serve", "--port", str(port), *options]
    if max_files:
        argv = ["sh", "-c", f'ulimit -n {max_files}; exec "$@"', "sh", *argv]
    with running(
        "oidc-gate", argv, port=port, directory=directory, env=env, ready_path="/oauth2/ping"
    ) as server:
        yield server


def gate(kind: str, *, directory: Path, env: Mapping[str, str]) -> AbstractContextManager[Server]:
    """Run a gate of `GATES`: alone, or mounted in an application."""
    if kind == "serve":
        return oidc_gate_serve(directory=directory, env=env)
    server, module = {
        "flask": ("gunicorn-gthread", "tests.real.mounted_flask:app"),
        "fastapi": ("uvicorn", "tests.real.mounted_fastapi:app"),
    }[kind]
    return serving(server, module, directory=directory, env=env, ready_path="/oauth2/ping")


def echo_application(directory: Path) -> AbstractContextManager[Server]:
    """Run the application that tells what reached it."""
    return serving("uvicorn", "tests.real.echo:app", directory=directory)


def recipe(
    name: str, *, directory: Path, gate_port: int, app_port: int, **more: int
) -> AbstractContextManager[Nginx]:
    """Run Nginx with a file of docs/nginx, word for word but for the ports."""
    directory.mkdir(parents=True, exist_ok=True)
    upstreams: dict[int | str, int] = {4180: gate_port, 8080: app_port}
    return nginx(
        RECIPES / name, directory=directory, upstreams=upstreams | {int(k[1:]): v for k, v in more.items()}
    )


class ToFront(HTTPAdapter):
    """Takes every https host to one proxy on loopback, as a name server would.

    Args:
        url: of the proxy, also one that serves plain http, as if another proxy in front of it had the certificate.
    """

    def __init__(self, url: str) -> None:
        super().__init__(pool_maxsize=1)
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **keywords: Any) -> requests.Response:
        asked = request.url or ""
        host = urlsplit(asked).netloc
        request.headers["Host"] = host
        request.url = asked.replace(f"https://{host}", self._url, 1)
        response = super().send(request, *args, **keywords)
        request.url = response.url = asked
        return response


class Visitor(requests.Session):
    """Somebody with a cookie jar, for whom every https name leads to this Nginx."""

    def __init__(self, front: Nginx) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = str(front.prefix / "tls.crt")
        self.mount("https://", ToFront(f"https://127.0.0.1:{front.ports[443]}"))

    def open(self, url: str, **keywords: Any) -> requests.Response:
        """Open a page as a browser does; redirects are followed."""
        return self.get(url, headers=NAVIGATION, timeout=60, **keywords)


def headers_seen(response: requests.Response) -> dict[str, list[str]]:
    """Return the headers that the echoing application was sent."""
    seen: dict[str, list[str]] = {}
    for name, value in response.json()["headers"]:
        seen.setdefault(name.lower(), []).append(value)
    return seen
