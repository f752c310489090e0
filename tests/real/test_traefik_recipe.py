"""docs/traefik/oidc_gate.yml before a real gate and a real provider, where a ``traefik`` is on the PATH.

Debian has no package of it, so these tests are skipped where it is missing, in CI too.
"""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from oidc_gate.testing import Client, TestProvider
from tests.real.behind_nginx import (
    APP,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    FETCH,
    SIGNED_OUT,
    echo_application,
    gate_environment,
    headers_seen,
    oidc_gate_serve,
)
from tests.real.ports import free_port
from tests.real.process import REPOSITORY, Server, running
from tests.real.test_caddy_recipe import ALICE, EVE, TARGETS, House, Visitor

TRAEFIK = shutil.which("traefik")
pytestmark = pytest.mark.skipif(
    TRAEFIK is None, reason="traefik is not on the PATH, and Debian has no package"
)
STATIC = """\
entryPoints: {{web: {{address: "127.0.0.1:{port}"}}}}
providers: {{file: {{filename: "{file}"}}}}
global: {{checkNewVersion: false, sendAnonymousUsage: false}}
"""


@contextmanager
def traefik(*, directory: Path, gate_port: int, app_port: int) -> Iterator[Server]:
    """Run Traefik on plain http until the block ends."""
    text = (REPOSITORY / "docs/traefik/oidc_gate.yml").read_text()
    for old, new in (
        ("127.0.0.1:4180", f"127.0.0.1:{gate_port}"),
        ("127.0.0.1:8080", f"127.0.0.1:{app_port}"),
        ('entryPoints: ["websecure"]', 'entryPoints: ["web"]'),
        ("      tls: {}\n", ""),
    ):
        assert old in text
        text = text.replace(old, new)
    file, static, port = directory / "dynamic.yml", directory / "traefik.yml", free_port()
    file.write_text(text)
    static.write_text(STATIC.format(port=port, file=file))
    with running(
        "traefik", [str(TRAEFIK), f"--configFile={static}"], port=port, directory=directory
    ) as server:
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("traefik")
    client = Client(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_uris=[APP + CALLBACK],
        post_logout_redirect_uris=[APP + SIGNED_OUT],
    )
    with ExitStack() as stack:
        provider = stack.enter_context(TestProvider(clients=[client], people=[ALICE, EVE]))
        env = gate_environment(
            provider.issuer, allowed_email_domains="example.com", session_idle_seconds="30"
        )
        app = stack.enter_context(echo_application(directory))
        asked = stack.enter_context(oidc_gate_serve(directory=directory, env=env))
        front = stack.enter_context(traefik(directory=directory, gate_port=asked.port, app_port=app.port))
        visitor, deadline = Visitor(front), time.monotonic() + 60
        while visitor.open("/page").status_code == 404 and time.monotonic() < deadline:
            time.sleep(0.1)  # it listens before it has read its file
        yield House(provider, front)


@pytest.mark.parametrize("target", [each for each in TARGETS if ";" not in each])  # Traefik writes & for ;
def test_users_come_back_to_what_they_asked_for(house: House, target: str) -> None:
    visitor, reply = house.signed_in(target=target)
    # Go keeps a trailing question mark of the target, or not, as its version decides.
    assert (reply.status_code, reply.json()["target"].removesuffix("?")) == (200, target.removesuffix("?"))
    assert headers_seen(reply)["x-auth-request-user"] == ["alice"]
    assert visitor.open(target).json()["target"].removesuffix("?") == target.removesuffix("?")


def test_a_script_gets_401_and_a_refused_user_403(house: House) -> None:
    reply = Visitor(house.front).get(f"{APP}/api?x=1", headers=FETCH, timeout=60)
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    visitor, reply = house.signed_in("eve", "/page?x=1")
    assert "You do not have access" in reply.text
    assert visitor.open("/page?x=1", allow_redirects=False).status_code == 403


@pytest.mark.parametrize(
    "name", ["X-Forwarded-User", "x_forwarded_user", "X-Forwarded_Email", "X-Auth-Request-User", "Remote-User",
             "REMOTE_USER", "X-Forwarded-Groups", "X_Forwarded_Access_Token", "X-Forwarded-Preferred_Username",
             "X_Auth-Request-User", "X-Auth-Request-Access-Token", "X_AUTH_REQUEST_EMAIL"]
)  # fmt: skip
def test_no_identity_header_of_a_client_arrives(house: House, name: str) -> None:
    visitor, _ = house.signed_in()
    seen = headers_seen(visitor.get(f"{APP}/api", headers=FETCH | {name: "admin"}, timeout=60))
    assert "admin" not in str(seen)
    assert seen["x-auth-request-user"] == ["alice"]


def test_a_websocket_needs_a_session(house: House) -> None:
    visitor, _ = house.signed_in()
    session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
    for cookie, origin, status in (("", APP, 401), (session, "https://evil.example", 403)):
        with pytest.raises(InvalidStatus) as refused:
            _dial(house, cookie, origin)
        assert refused.value.response.status_code == status
    with _dial(house, session, APP) as opened:
        told = json.loads(opened.recv(timeout=60))
    assert ["x-auth-request-user", "alice"] in told["headers"]


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
    deadline = time.monotonic() + 60
    while "Set-Cookie" not in reply.headers:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        reply = visitor.open("/cached")
    assert reply.headers["Set-Cookie"].startswith("__Host-oidc_gate=")
    assert visitor.open("/page").status_code == 200


@pytest.mark.parametrize(
    "path", ["/page", "/oauth2x", "/OAUTH2/auth", "/%6fauth2/../page", "/oauth2/../page"]
)
def test_no_spelling_of_the_gates_path_leads_to_the_application(house: House, path: str) -> None:
    with socket.create_connection(("127.0.0.1", house.front.port), timeout=60) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n".encode()
        )
        assert connection.makefile("rb").readline().split()[1] in (b"401", b"404", b"400")


def test_nothing_is_admitted_if_the_gate_is_down(tmp_path: Path) -> None:
    with (
        echo_application(tmp_path) as app,
        traefik(directory=tmp_path, gate_port=free_port(), app_port=app.port) as front,
    ):
        visitor, deadline = Visitor(front), time.monotonic() + 60
        while (status := visitor.open("/page").status_code) == 404 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert status == 500
