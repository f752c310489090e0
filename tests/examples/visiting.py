"""Somebody with a browser's habits and a cookie jar, who knows the demo's provider."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import requests

from tests.real.ports import free_port
from tests.real.process import REPOSITORY, Server, running

NAVIGATION = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
EXAMPLES = REPOSITORY / "examples"


@contextmanager
def demo(
    application: str, *, directory: Path, env: Mapping[str, str] | None = None, ready_path: str = "/"
) -> Iterator[Server]:
    """Run `oidc-gate demo APPLICATION` on a free port."""
    port = free_port()
    argv = [sys.executable, "-m", "oidc_gate.cli", "demo", application, "--port", str(port)]
    with running("demo", argv, port=port, directory=directory, env=env, ready_path=ready_path) as server:
        yield server


class Visitor(requests.Session):
    """Opens pages of one application."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url

    def open(self, path: str) -> requests.Response:
        """Open a page, going where redirects lead."""
        return self.get(self.url + path, headers=NAVIGATION, timeout=60)

    def sign_in(self, sub: str, path: str) -> requests.Response:
        """Open a page, follow the sign-in page's link, and choose somebody at the provider."""
        page = self.open(path)
        link = re.search(r'class="button" href="([^"]+)"', page.text)
        assert page.status_code == 401, page.text
        assert link is not None, page.text
        at_provider = self.get(
            urljoin(page.url, link[1].replace("&amp;", "&")), headers=NAVIGATION, timeout=60
        )
        form = re.search(r'action="([^"]+)"', at_provider.text)
        transaction = re.search(r'name="transaction" value="([^"]+)"', at_provider.text)
        assert form is not None, at_provider.text
        assert transaction is not None, at_provider.text
        return self.post(
            urljoin(at_provider.url, form[1]),
            data={"transaction": transaction[1], "sub": sub},
            headers=NAVIGATION,
            timeout=60,
        )
