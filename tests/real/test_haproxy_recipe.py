"""docs/haproxy before a real gate and a real provider: the same promises as docs/caddy/Caddyfile."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from oidc_gate.testing import Client, Person, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    NAVIGATION,
    SIGNED_OUT,
    echo_application,
    gate_environment,
    headers_seen,
    oidc_gate_serve,
)
from tests.real.haproxy import haproxy
from tests.real.ports import free_port
from tests.real.test_caddy_recipe import ALICE, EVE, TARGETS, House, Visitor

CAROL = Person(
    sub="carol", email="carol@example.com", email_verified=True, claims={"groups": None, "hasgroups": True}
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("haproxy")
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[APP + CALLBACK],
        post_logout_redirect_uris=[APP + SIGNED_OUT],
    )
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client], people=[ALICE, EVE, CAROL]))
        env = gate_environment(
            provider.issuer, allowed_email_domains="example.com", session_idle_seconds="30"
        )
        app = stack.enter_context(echo_application(directory))
        asked = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        upstreams = {4180: asked.port, 8080: app.port}
        yield House(provider, stack.enter_context(haproxy(directory=directory, upstreams=upstreams)))


@pytest.mark.parametrize("target", TARGETS)
def test_users_come_back_to_what_they_asked_for(house: House, target: str) -> None:
    visitor, reply = house.signed_in(target=target)
    assert (reply.status_code, reply.json()["target"]) == (200, target.removesuffix("?"))
    for _ in range(2):
        assert visitor.open(target).json()["target"] == target.removesuffix("?")
    assert headers_seen(reply)["x-forwarded-user"] == ["alice"]


def test_a_script_gets_401_and_a_refused_user_403(house: House) -> None:
    reply = Visitor(house.front).get(f"{APP}/api?x=1", headers=FETCH, timeout=60)
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    visitor, reply = house.signed_in("eve", "/page?x=1")
    assert "You do not have access" in reply.text
    assert visitor.open("/page?x=1", allow_redirects=False).status_code == 403


def test_a_form_is_sent_with_a_session_and_never_without(house: House) -> None:
    form = {"a": "b" * 100_000}
    anonymous = Visitor(house.front).post(f"{APP}/form", data=form, timeout=60, allow_redirects=False)
    assert anonymous.status_code == 401
    visitor, _ = house.signed_in()
    reply = visitor.post(f"{APP}/form", data=form, timeout=60)
    assert (reply.status_code, reply.json()["target"]) == (200, "/form")


@pytest.mark.parametrize(
    "name", ["X-Forwarded-User", "x_forwarded_user", "X-Forwarded_Email", "X-Auth-Request-User", "Remote-User",
             "REMOTE_USER", "X-Forwarded-Groups", "X_Forwarded_Access_Token", "X-Forwarded-Preferred-Username",
             "X-Forwarded-Preferred_Username", "X-Auth_Request-Redirect", "X-Forwarded-Groups-Incomplete",
             "X_Forwarded_Groups_Incomplete"]
)  # fmt: skip
def test_no_identity_header_of_a_client_arrives(house: House, name: str) -> None:
    visitor, _ = house.signed_in()
    seen = headers_seen(visitor.get(f"{APP}/api", headers=FETCH | {name: "admin"}, timeout=60))
    assert "admin" not in str(seen)
    assert seen["x-forwarded-user"] == ["alice"]


def test_the_application_learns_that_groups_are_missing(house: House) -> None:
    _, reply = house.signed_in("carol")
    assert headers_seen(reply)["x-forwarded-groups-incomplete"] == ["true"]
    _, reply = house.signed_in()
    assert "x-forwarded-groups-incomplete" not in headers_seen(reply)


def test_the_session_does_not_reach_the_application_and_other_cookies_do(house: House) -> None:
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


def test_a_websocket_needs_a_session(house: House) -> None:
    visitor, _ = house.signed_in()
    session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
    for cookie, origin, status in (("", APP, 401), (session, "https://evil.example", 403)):
        with pytest.raises(InvalidStatus) as refused:
            _dial(house, cookie, origin)
        assert refused.value.response.status_code == status
    with _dial(house, session, APP) as opened:
        told = json.loads(opened.recv(timeout=60))
    assert told["target"] == "/live?x=1"
    assert ["x-forwarded-user", "alice"] in told["headers"]


def _dial(house: House, cookie: str, origin: str) -> ClientConnection:
    return connect(
        "ws://app.example.com/live?x=1",
        sock=socket.create_connection(("127.0.0.1", house.front.port)),
        proxy=None,
        additional_headers={"Cookie": cookie, "Origin": origin},
        open_timeout=60,
    )


def test_a_renewed_session_reaches_the_browser(house: House) -> None:
    visitor, reply = house.signed_in(target="/cached")
    assert reply.headers["Cache-Control"] == "public, max-age=60"
    deadline = time.monotonic() + 60
    while "Set-Cookie" not in reply.headers:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        reply = visitor.open("/cached")
    assert reply.headers["Set-Cookie"].startswith("__Host-oidc_gate=")
    assert reply.headers["Cache-Control"] == "private"
    assert visitor.open("/page").status_code == 200


def test_signed_out_here_and_at_the_provider(house: House) -> None:
    visitor, _ = house.signed_in()
    headers = NAVIGATION | {"Sec-Fetch-Site": "same-origin"}
    reply = visitor.get(f"{APP}/oauth2/sign_out", headers=headers, timeout=60, allow_redirects=False)
    assert reply.status_code == 200
    assert reply.headers["Refresh"].startswith(f"0; url={house.provider.issuer}")
    assert visitor.open("/page?x=1").status_code == 401


@pytest.mark.parametrize("path", ["/page", "/oauth2x", "/OAUTH2/auth", "/%6fauth2/x", "//oauth2/x"])
def test_no_spelling_of_the_gates_path_leads_to_the_application(house: House, path: str) -> None:
    with socket.create_connection(("127.0.0.1", house.front.port), timeout=60) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n".encode()
        )
        assert connection.makefile("rb").readline().split()[1] == b"401"


def test_nothing_is_admitted_if_the_gate_is_down(tmp_path: Path) -> None:
    with echo_application(tmp_path) as app:
        upstreams = {4180: free_port(), 8080: app.port}
        with haproxy(directory=tmp_path, upstreams=upstreams) as front:
            assert Visitor(front).open("/page").status_code == 503
