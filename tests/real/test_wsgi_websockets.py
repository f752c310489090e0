"""WebSockets over WSGI, opened for real: flask-sock on the servers that it supports."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.real.handshakes import EVIL, OWN, ask, environment, session_for
from tests.real.process import Server
from tests.real.servers import serving

pytest.importorskip("flask_sock")


@pytest.fixture(scope="module", params=["gunicorn-gthread", "gunicorn-gevent", "werkzeug"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, str]]:
    env, directory = environment(), tmp_path_factory.mktemp("socket")
    with serving(request.param, "tests.real.flask_socket:app", directory=directory, env=env) as server:
        yield server, session_for(env)


def dial(server: Server, **headers: str) -> ClientConnection:
    sock = socket.create_connection(("127.0.0.1", server.port))
    return connect(
        "ws://app.example.com/echo", sock=sock, proxy=None, additional_headers=headers, open_timeout=10
    )


@pytest.mark.parametrize("origin", [OWN, None])
def test_our_own_page_opens_one(served: tuple[Server, str], origin: str | None) -> None:
    server, cookie = served
    assert ask(server.port, "/", {"Cookie": cookie}).status == 200  # the cookie was seen before
    for _ in range(2):
        with dial(server, Cookie=cookie, **({"Origin": origin} if origin else {})) as opened:
            opened.send("hello")
            assert opened.recv(timeout=10) == "alice: hello"


@pytest.mark.parametrize(
    ("origin", "status"),
    [(EVIL, 403), ("null", 403), (f"{OWN}.evil.example", 403), ("http://app.example.com", 403)],
)
def test_a_page_of_another_site_does_not(served: tuple[Server, str], origin: str, status: int) -> None:
    server, cookie = served
    assert ask(server.port, "/", {"Cookie": cookie}).status == 200
    for _ in range(2):
        with pytest.raises(InvalidStatus) as refused:
            dial(server, Cookie=cookie, Origin=origin)
        assert refused.value.response.status_code == status
        assert b"origin_not_allowed" in (refused.value.response.body or b"")


def test_without_a_session_it_is_401(served: tuple[Server, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        dial(served[0], Origin=OWN)
    assert refused.value.response.status_code == 401
