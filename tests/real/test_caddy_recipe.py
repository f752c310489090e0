"""docs/caddy/Caddyfile, and the short forms of Caddy's ``forward_auth``, before a real gate and a real provider."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from oidc_gate.testing import Client, Person, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    GATES,
    NAVIGATION,
    SIGNED_OUT,
    ToFront,
    echo_application,
    gate,
    gate_environment,
    headers_seen,
)
from tests.real.caddy import RECIPE, caddy
from tests.real.process import Server

ALICE = Person(sub="alice", email="alice@example.com", email_verified=True, groups=("staff",))
EVE = Person(sub="eve", email="eve@elsewhere.example", email_verified=True)
TARGETS = ["/page", "/page?x=1", "/a%20b?x=%2F&y=a+b&x=2", "/page?", "/page?a;b&c=%25", "/caf%C3%A9?q=%C3%A9"]
SHORT = """\
    handle /oauth2/* {{
        reverse_proxy 127.0.0.1:4180
    }}
    handle {{
        forward_auth 127.0.0.1:4180 {{
            uri {uri}
            copy_headers X-Auth-Request-User>X-Forwarded-User
        }}
        reverse_proxy 127.0.0.1:8080
    }}
"""
TRUSTED = {"trusted_proxies": "127.0.0.1"}
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "recipe": (RECIPE.read_text(), {}),
    "forward": (SHORT.format(uri="/oauth2/forward"), TRUSTED),
    "forward?": (SHORT.format(uri="/oauth2/forward?"), {}),
    "auth": (SHORT.format(uri="/oauth2/auth"), TRUSTED),
    "admins": (SHORT.format(uri="/oauth2/forward?allowed_groups=admins"), TRUSTED),
}


class Visitor(requests.Session):
    """A browser with a cookie jar, for which app.example.com is this Caddy."""

    def __init__(self, front: Server) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("https://", ToFront(front.url))

    def open(self, target: str, **keywords: object) -> requests.Response:
        url = target if target.startswith("https:") else APP + target
        return self.get(url, headers=NAVIGATION, timeout=60, **keywords)  # type: ignore[arg-type]


@dataclass(frozen=True)
class House:
    provider: TestProvider
    front: Server

    def signed_in(self, who: str = "alice", target: str = "/") -> tuple[Visitor, requests.Response]:
        """Open a page as an anonymous user, and follow the sign-in page's link."""
        visitor = Visitor(self.front)
        self.provider.auto_login = who
        page = visitor.open(target)
        assert page.status_code == 401
        link = unescape(page.text.partition('href="/oauth2/start?')[2].partition('"')[0])
        return visitor, visitor.open(f"/oauth2/start?{link}")


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with echo_application(tmp_path_factory.mktemp("app")) as server:
        yield server


@pytest.fixture(scope="module")
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, application: Server
) -> Iterator[House]:
    form, kind = request.param
    config, settings = FORMS[form]
    directory = tmp_path_factory.mktemp("caddy")
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[APP + CALLBACK],
        post_logout_redirect_uris=[APP + SIGNED_OUT],
    )
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client], people=[ALICE, EVE]))
        given = {"allowed_email_domains": "example.com", "session_idle_seconds": "30"} | settings
        env = gate_environment(provider.issuer, **given)
        asked = stack.enter_context(gate(kind, directory=directory, env=env))
        upstreams = {4180: asked.port, 8080: application.port}
        front = stack.enter_context(caddy(config, directory=directory, upstreams=upstreams))
        yield House(provider, front)


def at(*houses: tuple[str, str]) -> pytest.MarkDecorator:
    names = [" ".join(house) for house in houses]
    return pytest.mark.parametrize("house", houses, ids=names, indirect=True, scope="module")


RECIPES = [("recipe", kind) for kind in GATES]


@at(*RECIPES, ("forward", "serve"), ("forward?", "serve"))
@pytest.mark.parametrize("target", TARGETS)
def test_everybody_comes_back_to_what_they_asked_for(house: House, target: str) -> None:
    visitor, reply = house.signed_in(target=target)
    assert (reply.status_code, reply.json()["target"]) == (200, target.removesuffix("?"))
    for _ in range(2):
        assert visitor.open(target).json()["target"] == target.removesuffix("?")
    assert headers_seen(reply)["x-forwarded-user"] == ["alice"]


@at(("auth", "serve"))
@pytest.mark.parametrize("target", TARGETS)
def test_the_query_of_the_client_is_no_rule(house: House, target: str) -> None:
    assert Visitor(house.front).open(target).status_code == 401
    house.provider.auto_login = "alice"
    visitor = Visitor(house.front)
    assert visitor.open("/oauth2/start?rd=/").status_code == 200
    assert visitor.open(target).json()["target"] == target.removesuffix("?")


@at(("admins", "serve"))
@pytest.mark.parametrize(
    "query", ["", "?x=1", "?allowed_groups=admins", "?allowed_groups=staff", "?allowed_group=admins"]
)
def test_the_query_of_the_operator_stays_a_rule(house: House, query: str) -> None:
    _, reply = house.signed_in(target=f"/page{query}")
    assert reply.status_code == 403


@at(*RECIPES)
class TestTheRecipe:
    def test_a_script_gets_401_and_a_refused_user_403(self, house: House) -> None:
        reply = Visitor(house.front).get(f"{APP}/api?x=1", headers=FETCH, timeout=60)
        assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
        visitor, reply = house.signed_in("eve", "/page?x=1")
        assert "You do not have access" in reply.text
        reply = visitor.open("/page?x=1", allow_redirects=False)
        assert (reply.status_code, reply.headers.get("Location")) == (403, None)

    @pytest.mark.parametrize(
        "name", ["X-Forwarded-User", "x_forwarded_user", "X-Forwarded_Email", "X-Auth-Request-User", "Remote-User",
                 "REMOTE_USER", "X-Forwarded-Groups", "X_Forwarded_Access_Token", "X-Forwarded-Preferred-Username"]
    )  # fmt: skip
    def test_no_identity_header_of_a_client_arrives(self, house: House, name: str) -> None:
        visitor, _ = house.signed_in()
        reply = visitor.get(f"{APP}/api", headers=FETCH | {name: "admin"}, timeout=60)
        seen = headers_seen(reply)
        assert "admin" not in str(seen)
        assert seen["x-forwarded-user"] == ["alice"]

    def test_the_session_does_not_reach_the_application_and_other_cookies_do(self, house: House) -> None:
        visitor, _ = house.signed_in()
        visitor.cookies.set("before", "1", domain="app.example.com")
        visitor.cookies.set("zz", "2", domain="app.example.com")
        main = "__Host-oidc_gate"
        for name in (
            f"{main}.flow7",
            f"{main}.rounds",
            f"{main}x",
            f"{main}.bodyx",
            f"{main}.flow8",
            f"{main}-2",
        ):
            visitor.cookies.set(name, "3", domain="app.example.com")
        (cookies,) = headers_seen(visitor.open("/api"))["cookie"]
        alike = {f"{main}x=3", f"{main}.bodyx=3", f"{main}.flow8=3", f"{main}-2=3"}
        arrived = {pair for pair in cookies.split("; ") if not pair.startswith("oidc_gate_test_provider")}
        assert arrived - {""} == {"before=1", "zz=2"} | alike

    def test_a_websocket_needs_a_session(self, house: House) -> None:
        visitor, _ = house.signed_in()
        session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
        for cookie, origin, status in (("", APP, 401), (session, "https://evil.example", 403)):
            with pytest.raises(InvalidStatus) as refused:
                self.dial(house, cookie, origin)
            assert refused.value.response.status_code == status
        with self.dial(house, session, APP) as opened:
            told = json.loads(opened.recv(timeout=60))
        assert told["target"] == "/live?x=1"
        assert ["x-forwarded-user", "alice"] in told["headers"]

    @staticmethod
    def dial(house: House, cookie: str, origin: str) -> ClientConnection:
        sock = socket.create_connection(("127.0.0.1", house.front.port))
        headers = {"Cookie": cookie, "Origin": origin}
        return connect(
            "ws://app.example.com/live?x=1",
            sock=sock,
            proxy=None,
            additional_headers=headers,
            open_timeout=60,
        )

    def test_a_renewed_session_reaches_the_browser(self, house: House) -> None:
        visitor, reply = house.signed_in(target="/cached")
        assert reply.headers["Cache-Control"] == "public, max-age=60"
        deadline = time.monotonic() + 60
        while "Set-Cookie" not in reply.headers:
            assert time.monotonic() < deadline
            time.sleep(0.2)
            reply = visitor.open("/cached")
        assert reply.headers["Set-Cookie"].startswith("__Host-oidc_gate=")
        assert reply.headers["Cache-Control"] == "private"
        assert headers_seen(reply)["x-forwarded-user"] == ["alice"]
        assert visitor.open("/page").status_code == 200

    def test_signed_out_here_and_at_the_provider(self, house: House) -> None:
        visitor, _ = house.signed_in()
        headers = NAVIGATION | {"Sec-Fetch-Site": "same-origin"}
        reply = visitor.get(f"{APP}/oauth2/sign_out", headers=headers, timeout=60, allow_redirects=False)
        assert reply.status_code == 200
        assert reply.headers["Refresh"].startswith(f"0; url={house.provider.issuer}")
        assert visitor.open("/page?x=1").status_code == 401
