"""Caddy's ``forward_auth``, which asks about a WebSocket with the handshake itself."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.real.behind_nginx import echo_application
from tests.real.caddy import caddy
from tests.real.handshakes import EVIL, GATES, OWN, Connection, ask, environment, gate, session_for
from tests.real.process import Server

CADDYFILE = """\
    forward_auth 127.0.0.1:4180 {
        uri /oauth2/auth?
        copy_headers X-Auth-Request-User>X-Forwarded-User
    }
    reverse_proxy 127.0.0.1:8080
"""


@dataclass(frozen=True)
class House:
    front: Server
    cookie: str

    def dial(self, cookie: str, **headers: str) -> ClientConnection:
        sock = socket.create_connection(("127.0.0.1", self.front.port))
        given = headers | ({"Cookie": cookie} if cookie else {})
        return connect(
            "ws://app.example.com/live?x=1", sock=sock, proxy=None, additional_headers=given, open_timeout=10
        )


@pytest.fixture(scope="module", params=GATES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory, env = tmp_path_factory.mktemp("caddy"), environment(allowed_origins="https://partner.example")
    with (
        echo_application(directory) as app,
        gate(request.param, directory=directory, env=env) as asked,
        caddy(CADDYFILE, directory=directory, upstreams={4180: asked.port, 8080: app.port}) as front,
    ):
        yield House(front, session_for(env))


@pytest.mark.parametrize("origin", [OWN, "https://partner.example", None])
def test_our_own_page_opens_one(house: House, origin: str | None) -> None:
    for _ in range(2):
        with house.dial(house.cookie, **({"Origin": origin} if origin else {})) as opened:
            told = json.loads(opened.recv(timeout=10))
        assert told["target"] == "/live?x=1"
        assert ["x-forwarded-user", "alice"] in told["headers"]


@pytest.mark.parametrize("origin", [EVIL, "null", f"{OWN}.evil.example", "http://app.example.com"])
def test_a_page_of_another_site_does_not(house: House, origin: str) -> None:
    assert ask(house.front.port, "/", {"Cookie": house.cookie}).status == 200
    for _ in range(2):
        with pytest.raises(InvalidStatus) as refused:
            house.dial(house.cookie, Origin=origin)
        assert refused.value.response.status_code == 403


def test_without_a_session_it_is_401(house: House) -> None:
    with pytest.raises(InvalidStatus) as refused:
        house.dial("", Origin=OWN)
    assert refused.value.response.status_code == 401


def test_an_ordinary_request_is_not_judged_by_its_origin(house: House) -> None:
    sent = {"Host": "app.example.com", "Cookie": house.cookie, "Origin": EVIL}
    with Connection(house.front.port) as connection:
        for _ in range(3):
            assert connection.ask("/", sent).status == 200
