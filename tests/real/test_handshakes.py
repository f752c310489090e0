"""The question about a WebSocket handshake, on real servers: answered as to HTTP, and judged by its ``Origin``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.handshakes import (
    EVIL,
    GATES,
    HANDSHAKE,
    KEY,
    OWN,
    Connection,
    ask,
    environment,
    gate,
    session_for,
)
from tests.real.process import Server


@pytest.fixture(scope="module", params=GATES)
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, str]]:
    env = environment(allowed_origins="https://partner.example")
    with gate(request.param, directory=tmp_path_factory.mktemp("gate"), env=env) as server:
        yield server, session_for(env)


@pytest.mark.parametrize(
    "shape", [HANDSHAKE, KEY, {"Upgrade": "websocket"}], ids=["caddy", "nginx", "upgrade"]
)
@pytest.mark.parametrize("endpoint", ["/oauth2/auth", "/oauth2/forward"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (OWN, 202),
        ("https://partner.example", 202),
        (None, 202),
        (EVIL, 403),
        ("null", 403),
        (f"{OWN}.evil.example", 403),
    ],
)
def test_a_question_about_a_handshake(
    asked: tuple[Server, str], shape: dict[str, str], endpoint: str, origin: str | None, status: int
) -> None:
    server, cookie = asked
    sent = shape | ({"Origin": origin} if origin else {})
    for _ in range(2):
        answer = ask(server.port, endpoint, sent | {"Cookie": cookie})
        assert (answer.status, answer.body) == (status, b"")
        assert answer.headers.get("x-auth-request-user") == ("alice" if status == 202 else None)
        assert answer.headers["content-length"] == "0"
    assert ask(server.port, endpoint, sent).status == 401


def test_on_one_connection_a_handshake_changes_nothing_for_what_follows(asked: tuple[Server, str]) -> None:
    server, cookie = asked
    plain = {"Host": "app.example.com", "Cookie": cookie}
    with Connection(server.port) as connection:
        for origin, status in ((OWN, 202), (EVIL, 403), (OWN, 202)):
            assert connection.ask("/oauth2/auth", plain).status == 202
            assert connection.ask("/oauth2/auth", plain | KEY | {"Origin": origin}).status == status
            assert connection.ask("/oauth2/auth", plain | {"Origin": EVIL}).status == 202
