"""docs/nginx/subdomains.conf: sign in once at auth.example.com, known at app. and wiki.example.com."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from oidc_gate.testing import Client, TestProvider
from tests.real.behind_nginx import (
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    NAVIGATION,
    SIGNED_OUT,
    Visitor,
    echo_application,
    gate_environment,
    headers_seen,
    oidc_gate_serve,
    recipe,
)
from tests.real.nginx import Nginx

APP, WIKI, AUTH = (f"https://{name}.example.com" for name in ("app", "wiki", "auth"))


@dataclass(frozen=True)
class House:
    provider: TestProvider
    front: Nginx

    def visitor(self) -> Visitor:
        self.provider.auto_login = "alice"
        return Visitor(self.front)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("subdomains")
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[AUTH + CALLBACK],
        post_logout_redirect_uris=[AUTH + SIGNED_OUT],
    )
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client]))
        env = gate_environment(
            provider.issuer,
            AUTH,
            cookie_domain="example.com",
            allowed_redirect_hosts="app.example.com,wiki.example.com",
        )
        app = stack.enter_context(echo_application(directory))
        gate = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        front = recipe(
            "subdomains.conf",
            directory=directory / "nginx",
            gate_port=gate.port,
            app_port=app.port,
            _8081=app.port,
        )
        yield House(provider, stack.enter_context(front))


def _start_link(text: str) -> str:
    return text.partition('<a class="button" href="')[2].partition('"')[0].replace("&amp;", "&")


@pytest.mark.parametrize("origin", [APP, WIKI])
def test_sign_in_starts_at_the_gate_and_ends_where_it_was_asked_for(house: House, origin: str) -> None:
    visitor = house.visitor()
    shown = visitor.open(f"{origin}/reports?month=5")
    assert shown.status_code == 401
    link = _start_link(shown.text)
    assert link.startswith(f"{AUTH}/oauth2/start?rd={origin.replace(':', '%3A')}/reports%3Fmonth%3D5")
    reply = visitor.open(link)
    assert (reply.status_code, reply.url) == (200, f"{origin}/reports?month=5")
    assert "alice@" in reply.text


def test_signed_in_at_one_is_signed_in_at_the_other(house: House) -> None:
    visitor = house.visitor()
    visitor.open(_start_link(visitor.open(f"{APP}/").text))
    for origin in (APP, WIKI):
        seen = headers_seen(visitor.get(f"{origin}/", headers={"X-Forwarded-User": "forged"}, timeout=60))
        assert seen["x-forwarded-email"] == ["alice@example.com"]
        assert seen["host"] == [origin.removeprefix("https://")]
        assert "__Secure-oidc_gate=" not in "".join(seen.get("cookie", []))
    assert Visitor(house.front).get(f"{WIKI}/", headers=FETCH, timeout=60).status_code == 401


def test_sign_out_at_one_ends_the_session_at_all(house: House) -> None:
    visitor = house.visitor()
    visitor.open(_start_link(visitor.open(f"{APP}/").text))
    reply = visitor.get(
        f"{WIKI}/oauth2/sign_out", headers=NAVIGATION | {"Sec-Fetch-Site": "same-origin"}, timeout=60
    )
    onward = visitor.get(reply.headers["Refresh"].removeprefix("0; url="), timeout=60)
    assert (onward.status_code, onward.url.partition("?")[0]) == (200, AUTH + SIGNED_OUT)
    for origin in (APP, WIKI):
        assert visitor.get(f"{origin}/", headers=FETCH, timeout=60).status_code == 401


def test_a_script_is_told_where_sign_in_is(house: House) -> None:
    reply = Visitor(house.front).get(f"{WIKI}/api?n=1", headers=FETCH, timeout=60)
    assert reply.status_code == 401
    assert reply.json()["sign_in"].startswith(f"{AUTH}/oauth2/start?rd=https")


@pytest.mark.parametrize(
    "rd", ["https://evil.example/", "https://example.com/", "https://x.app.example.com/"]
)
def test_nobody_is_sent_to_another_host(house: House, rd: str) -> None:
    visitor = house.visitor()
    reply = visitor.open(f"{AUTH}/oauth2/start?rd={rd}")
    assert reply.url == f"{AUTH}/"
