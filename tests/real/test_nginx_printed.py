"""What `oidc-gate nginx` prints beyond the files of docs/nginx: with options, and other settings, in a real Nginx."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from oidc_gate.proxies.nginx import FORMS
from oidc_gate.testing import Client, Person, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    ToFront,
    Visitor,
    echo_application,
    gate_environment,
    headers_seen,
    oidc_gate_serve,
)
from tests.real.components import need
from tests.real.nginx import MAIN, Nginx, nginx, substitute
from tools.proxy_files import printed

ALICE = Person(sub="alice", email="alice@example.com", email_verified=True, groups=("staff", "Domain Users"))
BOB = Person(sub="bob", email="bob@example.com", email_verified=True)
ONE = {"PUBLIC_URL": APP}
ALL = (
    "--restrict /admin/=admins --restrict /staff/=staff,ops --public /public/ --public /robots.txt --api /api/ "
    "--verdict-cache 10 --max-body 2g --keepalive 4"
)
BY_PATH = {
    "PUBLIC_PATHS": "/open/*",
    "ORIGINAL_URI_HEADER": "X-Original-URI",
    "ORIGINAL_METHOD_HEADER": "X-Original-Method",
    "TRUSTED_PROXIES": "127.0.0.1",
}
ORIGINS = {"ALLOWED_ORIGINS": "https://other.example.com"}


def restrict_to_users(text: str) -> str:
    """Add a group whose name has a space, which the words of `printed` cannot have."""
    return text.replace("allowed_groups=staff,ops", "allowed_groups=Domain%20Users,x%24y")


@dataclass(frozen=True)
class House:
    provider: TestProvider
    fronts: dict[str, Nginx]

    def visitor(self, front: str, who: str = "") -> Visitor:
        visitor = Visitor(self.fronts[front])
        if who:
            self.provider.auto_login = who
            assert visitor.open(f"{APP}/oauth2/start?rd=/").status_code == 200
        return visitor


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("printed")
    client = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[APP + CALLBACK])
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client], people=[ALICE, BOB]))
        app = stack.enter_context(echo_application(directory))
        more = {name.lower(): value for name, value in (BY_PATH | ORIGINS).items()}
        env = gate_environment(provider.issuer, allow_everyone="true", **more)
        asked = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        texts = {form: printed(ONE | BY_PATH, *f"nginx --form {form} {ALL}".split()) for form in FORMS}
        texts["origins"] = printed(ONE | BY_PATH | ORIGINS, "nginx", *ALL.split())
        texts["plain"] = printed(ONE, *["nginx", "--plain-port", "80"])
        texts["groups"] = restrict_to_users(texts["page"])
        fronts = {}
        for name, text in texts.items():
            (directory / name).mkdir()
            upstreams: dict[int | str, int] = {4180: asked.port, 8080: app.port}
            fronts[name] = stack.enter_context(nginx(text, directory=directory / name, upstreams=upstreams))
        yield House(provider, fronts)


@pytest.mark.parametrize("form", FORMS)
def test_restricted_and_public_paths(house: House, form: str) -> None:
    alice = house.visitor(form, "alice")
    assert alice.open(f"{APP}/admin/x").status_code == 403
    assert alice.open(f"{APP}/staff/x").status_code == 200
    bob = house.visitor(form, "bob")
    assert bob.open(f"{APP}/page").status_code == 200
    assert bob.open(f"{APP}/staff/x").status_code == 403
    anonymous = house.visitor(form)
    for path in ("/public/x", "/robots.txt"):
        reply = anonymous.open(APP + path, allow_redirects=False)
        assert reply.status_code == 200
        assert "x-forwarded-user" not in headers_seen(reply)
    for path in ("/robots.txt2", "/robots.txt/x", "/public", "/page", "/admin/", "/staff/x"):
        assert anonymous.open(APP + path, allow_redirects=False).status_code in (301, 302, 401, 403)


@pytest.mark.parametrize("form", FORMS)
def test_scripts_get_json_at_the_paths_of_an_interface(house: House, form: str) -> None:
    for headers in (FETCH, {"Accept": "*/*"}):
        reply = house.visitor(form).get(f"{APP}/api/x", headers=headers, allow_redirects=False, timeout=60)
        assert (reply.status_code, reply.json()["code"]) == (401, "no_cookie")
    assert house.visitor(form, "alice").get(f"{APP}/api/x", headers=FETCH, timeout=60).status_code == 200


def test_behind_a_proxy_that_has_the_certificate(house: House) -> None:
    visitor = Visitor.__new__(Visitor)
    requests.Session.__init__(visitor)
    visitor.trust_env = False
    visitor.mount("https://", ToFront(f"http://127.0.0.1:{house.fronts['plain'].ports[80]}"))
    assert visitor.open(f"{APP}/page").status_code == 401
    house.provider.auto_login = "alice"
    reply = visitor.open(f"{APP}/oauth2/start?rd=/page")
    assert (reply.status_code, reply.url) == (200, f"{APP}/page")
    assert headers_seen(reply)["x-forwarded-proto"] == ["https"]


def test_a_group_with_a_space_in_its_name(house: House) -> None:
    assert house.visitor("groups", "alice").open(f"{APP}/staff/x").status_code == 200
    assert house.visitor("groups", "bob").open(f"{APP}/staff/x").status_code == 403


def test_a_cached_verdict_is_for_one_user_and_one_rule(house: House) -> None:
    alice, bob, anonymous = (house.visitor("page", who) for who in ("alice", "bob", ""))
    for _ in range(3):
        for visitor, name in ((alice, "alice"), (bob, "bob")):
            reply = visitor.open(f"{APP}/page")
            assert headers_seen(reply)["x-forwarded-user"] == [name]
        assert alice.open(f"{APP}/staff/x").status_code == 200
        assert bob.open(f"{APP}/staff/x").status_code == 403
        assert alice.open(f"{APP}/admin/x").status_code == 403
        assert anonymous.open(f"{APP}/page").status_code == 401
        assert alice.request("POST", f"{APP}/page", timeout=60).status_code == 200
    # It is a cache: a file of it has the verdict, and the session, as the comment says.
    cached = [file for file in (house.fronts["page"].prefix / "var/cache/nginx").rglob("*") if file.is_file()]
    assert any(b"__Host-oidc_gate=" in file.read_bytes() for file in cached)


@pytest.mark.parametrize("separator", ["|", " ", "", "%20", "%7C"])
def test_the_verdict_of_a_public_path_opens_no_other(house: House, separator: str) -> None:
    """A part of the key that ends with the beginning of the next one would be the key of another request."""
    front = house.fronts["page"]
    site = f"{separator}https://app.example.com{separator}"
    assert _raw(front, "/open/x", f"/../../../page{site}") == 200
    path = f"/open/x{site}/../../../page"
    assert _raw(front, path, "") in ((400,) if separator == " " else (401,))


def _raw(front: Nginx, target: str, cookie: str) -> int:
    """Return the status of a request whose target no client library normalizes."""
    context = ssl.create_default_context(cafile=str(front.prefix / "tls.crt"))
    context.check_hostname = False
    with (
        socket.create_connection(("127.0.0.1", front.ports[443]), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="app.example.com") as connection,
    ):
        head = (
            f"GET {target} HTTP/1.1\r\nHost: app.example.com\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_a_handshake_is_never_answered_from_the_cache(house: House) -> None:
    alice = house.visitor("origins", "alice")
    assert alice.open(f"{APP}/page").status_code == 200
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Origin": "https://evil.example.com",
    }
    assert alice.get(f"{APP}/page", headers=handshake, timeout=60).status_code == 403


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"PREFIX": "/gate.v1/~x"},
        {"COOKIE_NAME": "my.app-1"},
        {"PASS_AUTHORIZATION": "true"},
        {"ALLOWED_ORIGINS": "https://other.example.com"},
        {"PUBLIC_URL": "http://localhost:8000"},
        {"PUBLIC_URL": f"{APP}:8443"},
        {"PUBLIC_URL": "https://[::1]:8443"},
        BY_PATH,
        {
            "PUBLIC_URL": "https://auth.example.com",
            "COOKIE_DOMAIN": "example.com",
            "ALLOWED_REDIRECT_HOSTS": "app.example.com,app.wiki.example.com",
        },
    ],
    ids=lambda settings: "-".join(settings).lower() or "none",
)
@pytest.mark.parametrize("form", FORMS)
def test_nginx_accepts_it(settings: dict[str, Any], form: str, tmp_path: Path) -> None:
    hosts = [
        "--upstream",
        "app.example.com=127.0.0.1:8080",
        "--upstream",
        "app.wiki.example.com=127.0.0.1:8081",
    ]
    several = (
        hosts if "COOKIE_DOMAIN" in settings else ["--gate", "unix:/run/g.sock", "--upstream", "[::1]:80"]
    )
    text = printed(ONE | settings, "nginx", "--form", form, *several, *ALL.split())
    (binary,) = need("nginx")
    for folder in ("tmp", "var/cache/nginx"):
        (tmp_path / folder).mkdir(parents=True)
    text, _ = substitute(text, tmp_path, {})
    (tmp_path / "nginx.conf").write_text(MAIN.format(user="", prefix=tmp_path, text=text))
    done = subprocess.run(
        [binary, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "[warn]" in line]
    assert [line for line in warnings if "user" not in line] == []
