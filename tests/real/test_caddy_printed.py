"""What `oidc-gate caddy` prints beyond docs/caddy/Caddyfile: with options, and other settings, in a real Caddy."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from oidc_gate.testing import Client, Person, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    echo_application,
    gate_environment,
    headers_seen,
    oidc_gate_serve,
)
from tests.real.caddy import caddy
from tests.real.components import need
from tests.real.process import Server
from tests.real.test_caddy_recipe import Visitor
from tools.proxy_files import printed

ALICE = Person(sub="alice", email="alice@example.com", email_verified=True, groups=("staff", "x$y"))
BOB = Person(sub="bob", email="bob@example.com", email_verified=True)
ONE = {"PUBLIC_URL": APP}
RESTRICT = {"/admin/": "admins", "/staff/": "staff,ops", "/staff/odd/": "x$y;z,x$y"}
WORDS = ["caddy", "--public", "/public/", "--public", "/robots.txt"]
for path, groups in RESTRICT.items():
    WORDS += ["--restrict", f"{path}={groups}"]


@dataclass(frozen=True)
class House:
    provider: TestProvider
    front: Server

    def visitor(self, who: str = "") -> Visitor:
        visitor = Visitor(self.front)
        if who:
            self.provider.auto_login = who
            assert visitor.open("/oauth2/start?rd=/").status_code == 200
        return visitor

    def raw(self, target: str) -> bytes:
        """Return the answer to a request whose target no client library normalizes."""
        with socket.create_connection(("127.0.0.1", self.front.port), timeout=60) as connection:
            head = f"GET {target} HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-User: eve\r\n"
            connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
            return connection.makefile("rb").read()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("printed")
    client = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[APP + CALLBACK])
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client], people=[ALICE, BOB]))
        app = stack.enter_context(echo_application(directory))
        env = gate_environment(provider.issuer, allow_everyone="true")
        asked = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        upstreams = {4180: asked.port, 8080: app.port}
        text = printed(ONE, *WORDS)
        yield House(provider, stack.enter_context(caddy(text, directory=directory, upstreams=upstreams)))


def test_restricted_and_public_paths(house: House) -> None:
    alice, bob, anonymous = (house.visitor(who) for who in ("alice", "bob", ""))
    for path in ("/admin", "/admin/x", "/ADMIN/x", "/%61dmin/x"):
        assert alice.open(path).status_code == 403, path
    for path in ("/page", "/staff", "/staff/x", "/staff/odd/x"):
        reply = alice.open(path)
        assert (reply.status_code, headers_seen(reply)["x-forwarded-user"]) == (200, ["alice"]), path
        assert "__Host-oidc_gate=" not in "".join(headers_seen(reply).get("cookie", []))
    assert bob.open("/page").status_code == 200
    for path in ("/staff/x", "/staff/odd/x", "/admin/x"):
        assert bob.open(path).status_code == 403, path
    for path in ("/public/x", "/robots.txt"):
        for visitor in (anonymous, alice):
            reply = visitor.open(path)
            assert (reply.status_code, reply.json()["target"]) == (200, path)
            assert "x-forwarded-user" not in headers_seen(reply)
            assert "__Host-oidc_gate=" not in "".join(headers_seen(reply).get("cookie", []))


@pytest.mark.parametrize(
    "target",
    [
        "/page",
        "/public",
        "/PUBLIC/x",
        "/robots.txt/x",
        "/robotsxtxt",
        "/public/../page",
        "/public/%2e%2e/page",
        "/public/..%2fpage",
        "//page",
        "/staff/x",
        "/admin",
    ],
)
def test_no_spelling_opens_a_protected_path(house: House, target: str) -> None:
    assert house.raw(target).split()[1] == b"401"


def test_a_forged_header_does_not_arrive_on_a_public_path(house: House) -> None:
    answer = house.raw("/public/x")
    assert answer.split()[1] == b"200"
    assert b"eve" not in answer


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"PREFIX": "/gate.v1/~x", "COOKIE_NAME": "my.app-1"},
        {"PASS_AUTHORIZATION": "true", "PASS_ACCESS_TOKEN": "true"},
        {"PUBLIC_URL": "http://localhost:8000"},
        {"PUBLIC_URL": f"{APP}:8443"},
        {
            "ORIGINAL_URI_HEADER": "X-Original-URI",
            "ORIGINAL_METHOD_HEADER": "X-Original-Method",
            "TRUSTED_PROXIES": "127.0.0.1",
        },
    ],
    ids=lambda settings: "-".join(settings).lower() or "none",
)
def test_caddy_accepts_it(settings: dict[str, str], tmp_path: Path) -> None:
    (binary,) = need("caddy")
    file = tmp_path / "Caddyfile"
    file.write_text(printed(ONE | settings, *WORDS, "--gate", "unix:/run/g.sock", "--upstream", "[::1]:80"))
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    for command in ("adapt", "validate"):
        argv = [binary, command, "--adapter", "caddyfile", "--config", file]
        done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
