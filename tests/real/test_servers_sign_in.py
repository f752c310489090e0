"""Sign-in on every server that people run; while the provider is slow, those signed in do not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from oidc_gate.testing import Client, Fault, Person, TestProvider
from tests.real.behind_nginx import CALLBACK, CLIENT_ID, CLIENT_SECRET, gate_environment
from tests.real.ports import free_port
from tests.real.process import Server
from tests.real.servers import SERVERS, WSGI_SERVERS, serving

CONCURRENT = ["gunicorn-gthread", "gunicorn-gevent", "uvicorn", "granian-asgi", "hypercorn-trio", "waitress"]
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(port: int) -> Iterator[TestProvider]:
    """Give one provider to all servers, which run one after the other on one port."""
    registered = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[f"http://localhost:{port}{CALLBACK}"],
    )
    ada = Person(
        sub="ada", email="ada@example.com", email_verified=True, name="Ada Lovelace", groups=("staff",)
    )
    eve = Person(sub="eve", email="eve@elsewhere.example", email_verified=True)
    with TestProvider(clients=[registered], people=[ada, eve], auto_login="ada") as op:
        yield op


@pytest.fixture
def server(
    request: pytest.FixtureRequest, provider: TestProvider, port: int, tmp_path: Path
) -> Iterator[Server]:
    kind: str = request.param
    app = "tests.real.wrapped:" + ("wsgi" if kind in WSGI_SERVERS else "asgi")
    env = gate_environment(
        provider.issuer,
        f"http://localhost:{port}",
        public_paths="/public/*",
        allowed_email_domains="example.com",
        identity_headers="true",
    )
    with serving(kind, app, directory=tmp_path, env=env, port=port) as running:
        yield running


def sign_in(port: int) -> requests.Session:
    """Return a browser of somebody who went through the whole flow, and landed where they wanted to be."""
    person = requests.Session()
    landed = person.get(
        f"http://localhost:{port}/oauth2/start?rd=/reports%3Fmonth%3D5%26a%3Db", headers=HTML, timeout=60
    )
    assert (landed.status_code, landed.url) == (200, f"http://localhost:{port}/reports?month=5&a=b")
    assert "ada" in landed.text.lower()
    return person


@pytest.mark.parametrize("server", list(SERVERS), indirect=True)
def test_in_to_the_page_that_was_asked_for_and_a_script_is_told_401(server: Server, port: int) -> None:
    person = sign_in(port)
    assert person.get(f"http://localhost:{port}/oauth2/userinfo", timeout=60).json()["sub"] == "ada"
    nobody = requests.get(f"http://localhost:{port}/reports", timeout=60)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "no_cookie")


@pytest.mark.parametrize("server", list(SERVERS), indirect=True)
def test_a_user_whom_the_rules_refuse_is_nobody_on_a_public_path(
    server: Server, port: int, provider: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = f"http://localhost:{port}"
    assert "ada" in sign_in(port).get(f"{site}/public/news", timeout=60).text
    monkeypatch.setattr(provider, "auto_login", "eve")
    eve = requests.Session()
    refused = eve.get(f"{site}/oauth2/start?rd=/public/news", headers=HTML, timeout=60)
    assert (refused.status_code, "You do not have access" in refused.text) == (403, True)
    for headers in (HTML, {}):
        public = eve.get(f"{site}/public/news", headers=headers, timeout=60)
        assert (public.status_code, "eve" in public.text) == (200, False)
        assert eve.get(f"{site}/oauth2/userinfo", headers=headers, timeout=60).status_code == 403


@pytest.mark.parametrize("server", CONCURRENT, indirect=True)
def test_nobody_waits_for_a_provider_that_others_wait_for(
    server: Server, port: int, provider: TestProvider
) -> None:
    person = sign_in(port)
    finished: list[str] = []

    def sign_in_slowly() -> None:
        sign_in(port)
        finished.append("sign-in")

    with provider.misbehaving(Fault.SLOW, at="token", seconds=3):
        thread = threading.Thread(target=sign_in_slowly)
        thread.start()
        try:
            while not any(seen.path == "/token" for seen in list(provider.requests)[-2:]):
                thread.join(0.02)
            for _ in range(5):
                assert person.get(f"http://localhost:{port}/reports", timeout=60).status_code == 200
            finished.append("five pages")
        finally:
            thread.join(60)
    assert finished == ["five pages", "sign-in"]
