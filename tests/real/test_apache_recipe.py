"""docs/apache/proxy.conf in front of a wrapped application: sign-in, paths, forged headers, WebSockets."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
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
    gate_environment,
    headers_seen,
)
from tests.real.components import need
from tests.real.ports import free_port
from tests.real.process import REPOSITORY, running
from tests.real.servers import serving
from tests.real.test_caddy_recipe import ALICE, EVE, TARGETS, House, Visitor

MODULES = ("mpm_event", "authz_core", "headers", "proxy", "proxy_http")
MAIN = """\
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
{user}
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
Mutex file:{directory} default
ErrorLog /dev/stderr
{modules}
{text}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    (apache,) = need("apache2")
    place = tmp_path_factory.mktemp("apache")
    directory, port = Path(tempfile.mkdtemp(prefix="apache-")), free_port()
    client = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[APP + CALLBACK])
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory)
        provider = stack.enter_context(TestProvider(clients=[client], people=[ALICE, EVE]))
        env = gate_environment(provider.issuer, allowed_email_domains="example.com", identity_headers="true")
        app = stack.enter_context(
            serving("uvicorn", "tests.real.wrapped:asgi", directory=place, env=env, ready_path="/oauth2/ping")
        )
        text = (REPOSITORY / "docs/apache/proxy.conf").read_text()
        text = "".join(line for line in text.splitlines(keepends=True) if "SSL" not in line)
        for old, new in (("*:443", f"127.0.0.1:{port}"), ("127.0.0.1:8000", f"127.0.0.1:{app.port}")):
            assert old in text
            text = text.replace(old, new)
        modules = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES
        )
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        file = directory / "apache.conf"
        file.write_text(MAIN.format(port=port, user=user, directory=directory, modules=modules, text=text))
        directory.chmod(0o755)
        argv: list[str | Path] = [apache, "-f", file, "-DFOREGROUND"]
        yield House(provider, stack.enter_context(running("apache2", argv, port=port, directory=place)))


@pytest.mark.parametrize("target", [*TARGETS, "/a%2Fb"])
def test_users_come_back_to_what_they_asked_for(house: House, target: str) -> None:
    _, reply = house.signed_in(target=target)
    assert (reply.status_code, reply.json()["target"].removesuffix("?")) == (200, target.removesuffix("?"))
    assert headers_seen(reply)["x-forwarded-user"] == ["alice"]


def test_a_script_gets_401_and_a_refused_user_403(house: House) -> None:
    assert Visitor(house.front).get(f"{APP}/api", headers=FETCH, timeout=60).status_code == 401
    visitor, reply = house.signed_in("eve", "/page?x=1")
    assert "You do not have access" in reply.text
    assert visitor.open("/page", allow_redirects=False).status_code == 403


@pytest.mark.parametrize("name", ["X-Forwarded-User", "X_Forwarded_User", "X-Forwarded-Email", "Remote-User"])
def test_no_identity_header_of_a_client_arrives(house: House, name: str) -> None:
    visitor, _ = house.signed_in()
    seen = headers_seen(visitor.get(f"{APP}/api", headers=FETCH | {name: "admin"}, timeout=60))
    assert "admin" not in str(seen)
    assert seen["x-forwarded-user"] == ["alice"]


def test_a_websocket_needs_a_session(house: House) -> None:
    visitor, _ = house.signed_in()
    session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies)
    for cookie, origin in (("", APP), (session, "https://evil.example")):
        with pytest.raises(InvalidStatus) as refused:
            _dial(house, cookie, origin)
        assert refused.value.response.status_code in (401, 403)
    with _dial(house, session, APP) as opened:
        told = json.loads(opened.recv(timeout=60))
    assert ["x-forwarded-user", "alice"] in told["headers"]


def _dial(house: House, cookie: str, origin: str) -> ClientConnection:
    return connect(
        "ws://app.example.com/live?x=1",
        sock=socket.create_connection(("127.0.0.1", house.front.port)),
        proxy=None,
        additional_headers={"Cookie": cookie, "Origin": origin},
        open_timeout=60,
    )
