"""The examples behind a real Nginx, started as their README says, on other ports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.examples.visiting import EXAMPLES, NAVIGATION, Visitor, demo
from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import running

pytestmark = pytest.mark.real

CONF = (EXAMPLES / "flask_app/nginx.conf").read_text()
APPLICATIONS = {"flask": "app", "fastapi": "app", "django": "application"}


@contextmanager
def behind_nginx(name: str, directory: Path) -> Iterator[tuple[str, str]]:
    """Run an example; gives the address of Nginx, and the application's own, which nobody should reach."""
    (binary,) = need("nginx")
    front = free_port()
    url = f"http://localhost:{front}"
    application = f"examples.{name}_app.behind_nginx:{APPLICATIONS[name]}"
    env = {"OIDC_GATE_PUBLIC_URL": url}
    with demo(application, directory=directory, env=env, ready_path="/oauth2/ping") as server:
        conf = CONF.replace("127.0.0.1:8080", f"127.0.0.1:{front}")
        (directory / "nginx.conf").write_text(conf.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}"))
        argv: list[str | Path] = [binary, "-p", ".", "-c", "nginx.conf", "-g", "daemon off;"]
        with running("nginx", argv, port=front, directory=directory):
            yield url, server.url


@pytest.mark.parametrize("name", APPLICATIONS)
def test_nginx_asks_the_gate_and_says_who_it_is(name: str, tmp_path: Path) -> None:
    with behind_nginx(name, tmp_path) as (url, _):
        visitor = Visitor(url)
        spoofed = {"X-Forwarded-Email": "mallory@example.com", "X-Forwarded-User": "mallory"}
        public = requests.get(url, headers=NAVIGATION | spoofed, timeout=60)
        assert "You are not signed in" in public.text
        script = requests.get(f"{url}/reports", timeout=60)
        assert (script.status_code, script.json()["code"]) == (401, "no_cookie")
        page = visitor.sign_in("grace", "/reports?month=5")
        assert page.url == f"{url}/reports?month=5"
        assert "<b>grace@example.com</b>, groups: staff" in page.text
        told = visitor.get(f"{url}/reports", headers=NAVIGATION | spoofed, timeout=60)
        assert "<b>grace@example.com</b>" in told.text
        refused = visitor.open("/admin")
        assert refused.status_code == 403
        assert "grace@<wbr>example.com" in refused.text
        assert "<b>ada@example.com</b>" in Visitor(url).sign_in("ada", "/admin").text
        assert visitor.open("/oauth2/auth").status_code == 404


def test_the_three_configurations_are_one() -> None:
    assert {(EXAMPLES / f"{name}_app/nginx.conf").read_text() for name in APPLICATIONS} == {CONF}
