"""What else has to hold behind Nginx: renewal, connections kept, trouble, groups, WebSockets, big cookies."""

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import websockets.exceptions
from websockets.sync.client import ClientConnection, connect

from oidc_gate.testing import Client, Person, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    RECIPES,
    Visitor,
    echo_application,
    gate_environment,
    headers_seen,
    oidc_gate_serve,
    recipe,
)
from tests.real.nginx import Nginx, nginx
from tests.real.ports import free_port
from tests.real.process import Server

RECIPE = RECIPES / "sign-in-page.conf"
ALICE = Person(sub="alice", email="alice@example.com", email_verified=True, groups=("staff", "admins"))
BOB = Person(sub="bob", email="bob@example.com", email_verified=True, groups=("staff",))
# More groups than one session cookie holds.
MANY = Person(
    sub="many", email="many@example.com", email_verified=True,
    groups=tuple(f"group-{number * 2654435761 % 2**40:010x}" for number in range(400)),
)  # fmt: skip


class Relay:
    """Stands between Nginx and the gate and counts the connections that Nginx opens."""

    def __init__(self, to_port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.opened = 0
        self._to_port = to_port
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.opened += 1
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._to_port)) as far:
            other = {near: far, far: near}
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    try:
                        data = ready.recv(65536)
                        other[ready].sendall(data)
                    except OSError:
                        return
                    if not data:
                        return

    def close(self) -> None:
        # close() alone leaves accept() of another thread waiting
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@dataclass(frozen=True)
class House:
    provider: TestProvider
    front: Nginx
    relay: Relay

    def visitor(self, who: str | None = None) -> Visitor:
        visitor = Visitor(self.front)
        if who is not None:
            self.provider.auto_login = who
            visitor.open(f"{APP}/oauth2/start?rd=/")
        return visitor


@pytest.fixture(scope="module")
def provider() -> Iterator[TestProvider]:
    client = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[APP + CALLBACK])
    with TestProvider(clients=[client], people=[ALICE, BOB, MANY]) as running_provider:
        yield running_provider


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with echo_application(tmp_path_factory.mktemp("app")) as server:
        yield server


@contextmanager
def open_house(
    provider: TestProvider, application: Server, directory: Path, **settings: str
) -> Iterator[House]:
    env = gate_environment(provider.issuer, **settings)
    with ExitStack() as stack:
        gate = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        relay = Relay(gate.port)
        stack.callback(relay.close)
        name = "sign-in-page.conf"
        front = recipe(name, directory=directory / "nginx", gate_port=relay.port, app_port=application.port)
        yield House(provider, stack.enter_context(front), relay)


@pytest.fixture(scope="module")
def house(
    provider: TestProvider, application: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with open_house(provider, application, tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.mark.parametrize(("who", "status"), [("alice", 200), (None, 401)])
def test_nginx_keeps_its_connections_to_the_gate(house: House, who: str | None, status: int) -> None:
    visitor = house.visitor(who)
    before = house.relay.opened
    replies = [visitor.get(f"{APP}/", headers=FETCH, timeout=60) for _ in range(100)]
    assert {reply.status_code for reply in replies} == {status}
    assert house.relay.opened - before <= 3


def test_a_location_for_one_group(house: House) -> None:
    alice, bob = house.visitor("alice"), house.visitor("bob")
    assert alice.get(f"{APP}/admin/users", timeout=60).json()["target"] == "/admin/users"
    assert bob.get(f"{APP}/", timeout=60).status_code == 200
    refused = bob.open(f"{APP}/admin/users")
    assert refused.status_code == 403
    assert "You do not have access" in refused.text
    assert bob.get(f"{APP}/%61dmin/users", timeout=60).status_code == 403
    assert house.visitor().get(f"{APP}/admin/users", timeout=60).status_code == 401
    # What the outer location says of identity headers counts in the inner one.
    seen = headers_seen(alice.get(f"{APP}/admin/", headers={"X-Forwarded-Groups": "forged"}, timeout=60))
    assert seen["x-forwarded-groups"] == ["staff,admins"]


def test_a_public_location_knows_nobody_whatever_is_sent(house: House) -> None:
    for visitor in (house.visitor(), house.visitor("alice")):
        headers = {"X-Forwarded-User": "forged", "X-Auth-Request-User": "forged", "Remote-User": "forged"}
        seen = headers_seen(visitor.get(f"{APP}/public/logo", headers=headers, timeout=60))
        assert not {"x-forwarded-user", "x-auth-request-user", "remote-user"} & seen.keys()
        assert "__Host-oidc_gate=" not in "".join(seen.get("cookie", []))


def test_a_session_in_two_cookies_gets_through(house: House) -> None:
    visitor = house.visitor("many")
    assert len(visitor.cookies["__Host-oidc_gate.body"]) > 3000
    reply = visitor.get(f"{APP}/", timeout=60)
    assert reply.status_code == 200
    assert headers_seen(reply)["x-forwarded-groups"] == [",".join(MANY.groups)]


def test_plain_http_leads_to_https(house: House) -> None:
    url = f"http://127.0.0.1:{house.front.ports[80]}/a?b=c"
    reply = requests.get(url, headers={"Host": "app.example.com"}, allow_redirects=False, timeout=60)
    assert (reply.status_code, reply.headers["Location"]) == (308, f"{APP}/a?b=c")


def test_a_renewed_session_arrives(provider: TestProvider, application: Server, tmp_path: Path) -> None:
    """Renewed at most each tenth of the idle time, which is three seconds here."""
    with open_house(provider, application, tmp_path, session_idle_seconds="30") as house:
        visitor = house.visitor("alice")
        first = visitor.cookies["__Host-oidc_gate"]
        time.sleep(3.2)
        # Not with what a cache keeps for everybody...
        kept = visitor.get(f"{APP}/cached/logo", timeout=60)
        assert (kept.status_code, kept.headers.get("Set-Cookie")) == (200, None)
        assert kept.headers["Cache-Control"] == "public, max-age=60"
        assert visitor.cookies["__Host-oidc_gate"] == first


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/missing", 404)])
def test_a_renewed_session_arrives_with_any_status(
    provider: TestProvider, application: Server, tmp_path: Path, path: str, status: int
) -> None:
    with open_house(provider, application, tmp_path, session_idle_seconds="30") as house:
        visitor = house.visitor("alice")
        first = visitor.cookies["__Host-oidc_gate"]
        assert "Set-Cookie" not in visitor.get(APP + path, timeout=60).headers
        time.sleep(3.2)
        reply = visitor.get(APP + path, timeout=60)
        assert reply.status_code == status
        assert re.fullmatch(
            r"__Host-oidc_gate=[^;,]+; Max-Age=\d+; Path=/; Secure; HttpOnly; SameSite=Lax",
            reply.headers["Set-Cookie"],
        )
        assert reply.headers["Cache-Control"] == "private"
        assert visitor.cookies["__Host-oidc_gate"] != first
        assert visitor.get(f"{APP}/", timeout=60).status_code == 200


def test_a_gate_that_is_not_there_is_503_and_nobody_gets_in(application: Server, tmp_path: Path) -> None:
    front = recipe(
        "sign-in-page.conf", directory=tmp_path / "nginx", gate_port=free_port(), app_port=application.port
    )
    with front as running_front:
        visitor = Visitor(running_front)
        for path in ("/", "/admin/", "/oauth2/sign_in", "/oauth2/start", "/oauth2/unavailable"):
            reply = visitor.open(APP + path)
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "10"), path
            assert "try again" in reply.text
        assert visitor.get(f"{APP}/public/logo", timeout=60).status_code == 200


def test_a_provider_that_is_not_there_is_503_with_a_page(application: Server, tmp_path: Path) -> None:
    env = gate_environment(f"http://127.0.0.1:{free_port()}")
    with ExitStack() as stack:
        gate = stack.enter_context(oidc_gate_serve(directory=tmp_path, env=env))
        front = stack.enter_context(
            recipe(
                "sign-in-page.conf", directory=tmp_path / "n", gate_port=gate.port, app_port=application.port
            )
        )
        visitor = Visitor(front)
        assert visitor.open(f"{APP}/").status_code == 401  # who is asked for needs no provider
        reply = visitor.open(f"{APP}/oauth2/start?rd=/reports")
        assert reply.status_code == 503
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert int(reply.headers["Retry-After"]) > 0
        assert visitor.get(f"{APP}/oauth2/ping", timeout=60).status_code == 200


def test_a_gate_that_hangs_is_503(application: Server, tmp_path: Path) -> None:
    text = RECIPE.read_text()
    hasty = text.replace("proxy_read_timeout 5s;", "proxy_read_timeout 300ms;")  # the only change
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        upstreams: dict[int | str, int] = {4180: deaf.getsockname()[1], 8080: application.port}
        with nginx(hasty, directory=tmp_path, upstreams=upstreams) as front:
            reply = Visitor(front).open(f"{APP}/")
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "10")


def test_a_gate_that_cannot_decide_shows_its_page(house: House, application: Server, tmp_path: Path) -> None:
    """Whatever Nginx does not know as a verdict becomes 500, and the page for that."""
    verdict = "proxy_pass http://oidc_gate;\n        proxy_pass_request_body off;"
    broken = RECIPE.read_text().replace(verdict, verdict.replace("gate;", "gate/oauth2/none;"), 1)
    assert "/oauth2/none" in broken
    upstreams: dict[int | str, int] = {4180: house.relay.port, 8080: application.port}
    with nginx(broken, directory=tmp_path, upstreams=upstreams) as front:
        reply = Visitor(front).open(f"{APP}/")
        assert reply.status_code == 503
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert reply.headers["Retry-After"] == "10"


def _cookie_header(visitor: Visitor) -> str:
    ours = (cookie for cookie in visitor.cookies if cookie.domain == "app.example.com")
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in ours)


def _socket(house: House, cookies: str, **headers: str) -> ClientConnection:
    context = ssl.create_default_context(cafile=str(house.front.prefix / "tls.crt"))
    context.check_hostname = False
    sock = socket.create_connection(("127.0.0.1", house.front.ports[443]))
    return connect(
        "wss://app.example.com/live?x=1", sock=sock, ssl=context, proxy=None, user_agent_header=None,
        additional_headers={"Cookie": cookies, **headers}, open_timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("headers", [{}, {"Origin": APP}], ids=["program", "page"])
def test_a_websocket_gets_through(house: House, headers: dict[str, str]) -> None:
    cookies = _cookie_header(house.visitor("alice"))
    with _socket(house, cookies, **headers, **{"X-Forwarded-User": "forged"}) as opened:
        told = json.loads(opened.recv(timeout=60))
    assert told["target"] == "/live?x=1"
    assert ["x-forwarded-user", "alice"] in told["headers"]
    assert not any("forged" in value for _, value in told["headers"])


@pytest.mark.parametrize(
    ("who", "origin", "status"),
    [
        (None, APP, 401),
        ("alice", "https://evil.example", 403),
        ("alice", "https://app.example.com.evil.example", 403),
        ("alice", "http://app.example.com", 403),
        ("alice", "null", 403),
    ],
)
def test_a_websocket_is_refused(house: House, who: str | None, origin: str, status: int) -> None:
    cookies = _cookie_header(house.visitor(who))
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        _socket(house, cookies, Origin=origin)
    assert refused.value.response.status_code == status


def test_the_gate_itself_holds_the_origin_against_a_websocket(
    provider: TestProvider, application: Server, tmp_path: Path
) -> None:
    """Without the check of the file: Nginx leaves ``Upgrade`` out of its question, and hands the rest on."""
    text = RECIPE.read_text()
    bare = text.replace("    if ($oidc_foreign_socket) {\n        return 403;\n    }\n", "")
    assert bare != text
    env = gate_environment(provider.issuer, allowed_origins="https://partner.example")
    with ExitStack() as stack:
        gate = stack.enter_context(oidc_gate_serve(directory=tmp_path, env=env))
        upstreams: dict[int | str, int] = {4180: gate.port, 8080: application.port}
        (tmp_path / "nginx").mkdir()
        front = stack.enter_context(nginx(bare, directory=tmp_path / "nginx", upstreams=upstreams))
        house = House(provider, front, stack.enter_context(closing(Relay(gate.port))))
        cookies = _cookie_header(house.visitor("alice"))
        for origin in ("https://evil.example", "null", "http://app.example.com"):
            for _ in range(2):
                with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
                    _socket(house, cookies, Origin=origin)
                assert refused.value.response.status_code == 403
        for origin in (APP, "https://partner.example"):
            with _socket(house, cookies, Origin=origin) as opened:
                assert json.loads(opened.recv(timeout=5))["target"] == "/live?x=1"
