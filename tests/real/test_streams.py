"""Open connections on real servers, seen by real clients: what ends with the session, and what runs on."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from oidc_gate import wsgi
from oidc_gate.model import Identity
from oidc_gate.runtime.world import World
from oidc_gate.settings import Settings
from oidc_gate.testing.gate_session import TestSession
from tests.real.endless import DOWNLOAD_PIECES, EVENT, PIECE
from tests.real.handshakes import OWN, environment
from tests.real.process import Server
from tests.real.servers import ASGI_SERVERS, WSGI_SERVERS, serving

WAIT = 60
EVENTS = {"Accept": "text/event-stream"}
LIFETIME = 600
ENV = environment(session_lifetime_seconds=str(LIFETIME), session_idle_seconds=str(LIFETIME))
# They serve one request at a time, so that no user can sign out meanwhile.
ONE_AT_A_TIME = {"gunicorn-sync", "gunicorn-dangerous", "wsgiref"}


def session_for(subject: str, *, ends_in: int = LIFETIME) -> str:
    """Return the ``Cookie`` header of a user whose session ends in so many seconds."""
    settings = Settings.load(environ=ENV)
    world = World(settings, clock=lambda: time.time() - LIFETIME + ends_in)
    gate = wsgi.OIDCGate(lambda environ, start_response: [], settings, world=world)
    identity = Identity("", subject, email=f"{subject}@example.com", session_id=secrets.token_hex(8))
    return TestSession(gate, identity, "").add_to("")


def get(
    server: Server, path: str, cookie: str, headers: Mapping[str, str], *, stream: bool = False
) -> requests.Response:
    own = {"Host": "app.example.com", "Cookie": cookie}
    return requests.get(f"{server.url}{path}", headers=own | dict(headers), timeout=WAIT, stream=stream)


def sign_out(server: Server, cookie: str) -> None:
    headers = {"Host": "app.example.com", "Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    answer = requests.post(
        f"{server.url}/oauth2/sign_out", headers=headers, timeout=WAIT, allow_redirects=False
    )
    assert answer.status_code == 303


class Events:
    """An event stream that is open. Reading it to its end raises an exception if the response is incomplete."""

    def __init__(self, server: Server, path: str, cookie: str) -> None:
        self.response = get(server, path, cookie, EVENTS, stream=True)
        assert self.response.status_code == 200
        self.pieces = self.response.iter_content(len(EVENT))
        assert next(self.pieces) == EVENT

    def rest(self) -> bytes:
        return b"".join(self.pieces)


@contextmanager
def dial(server: Server, cookie: str) -> Iterator[ClientConnection]:
    sock = socket.create_connection(("127.0.0.1", server.port))
    headers = {"Cookie": cookie, "Origin": OWN}
    with connect(
        "ws://app.example.com/socket",
        sock=sock,
        proxy=None,
        additional_headers=headers,
        open_timeout=WAIT,
        ping_interval=None,
    ) as opened:
        opened.send("hello")
        assert opened.recv(timeout=WAIT) == "hello"
        yield opened


def closing_code(opened: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        opened.recv(timeout=WAIT)
    received = closed.value.rcvd
    return None if received is None else received.code


def downloads(pool: ThreadPoolExecutor, server: Server, cookie: str) -> Future[bytes]:
    started = get(server, "/download", cookie, {}, stream=True)
    assert started.status_code == 200
    return pool.submit(lambda: started.content)


@pytest.fixture(scope="module", params=[*ASGI_SERVERS, "uvicorn-wsproto"])
def asgi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("streams")
    app, ready = "tests.real.wrapped_streams:asgi", "/oauth2/ping"
    with serving(request.param, app, directory=directory, env=ENV, ready_path=ready) as server:
        yield server


def test_after_a_sign_out_what_is_open_ends_and_a_download_is_whole(asgi: Server) -> None:
    alice, bob = session_for("alice"), session_for("bob")
    for _ in range(2):  # the second time by the cache
        assert get(asgi, "/", alice, {}).status_code == 200
    with ThreadPoolExecutor() as pool, dial(asgi, alice) as opened, dial(asgi, bob) as others:
        silent, busy = Events(asgi, "/events", alice), Events(asgi, "/ticks", alice)
        bobs = Events(asgi, "/ticks", bob)
        download = downloads(pool, asgi, alice)
        sign_out(asgi, alice)
        assert closing_code(opened) == 1008
        assert silent.rest() == b""
        assert busy.rest().replace(EVENT, b"") == b""
        assert download.result(WAIT) == PIECE * DOWNLOAD_PIECES
        others.send("still here")
        assert others.recv(timeout=WAIT) == "still here"
        assert next(bobs.pieces) == EVENT
        bobs.response.close()
    assert get(asgi, "/", alice, {}).status_code == 401
    assert get(asgi, "/", bob, {}).status_code == 200
    assert b"Traceback" not in asgi.log.read_bytes()


def test_at_the_end_of_the_session_what_is_open_ends(asgi: Server) -> None:
    cookie = session_for("carol", ends_in=4)
    with dial(asgi, cookie) as opened:
        silent, busy = Events(asgi, "/events", cookie), Events(asgi, "/ticks", cookie)
        assert closing_code(opened) == 1008
        assert silent.rest() == b""
        assert busy.rest().replace(EVENT, b"") == b""
    assert get(asgi, "/", cookie, {}).status_code == 401
    assert b"Traceback" not in asgi.log.read_bytes()


@pytest.fixture(scope="module", params=WSGI_SERVERS)
def wsgi_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Server]]:
    directory = tmp_path_factory.mktemp("streams")
    app, ready = "tests.real.wrapped_streams:wsgi", "/oauth2/ping"
    with serving(request.param, app, directory=directory, env=ENV, ready_path=ready) as server:
        yield request.param, server


def test_over_wsgi_an_event_stream_ends_with_its_session(wsgi_server: tuple[str, Server]) -> None:
    kind, server = wsgi_server
    bob = session_for("bob")
    before = int(get(server, "/closed", bob, {}).content)
    cookie = session_for("carol", ends_in=4)
    assert Events(server, "/ticks", cookie).rest().replace(EVENT, b"") == b""
    ended = 1
    if kind not in ONE_AT_A_TIME:
        alice = session_for("alice")
        with ThreadPoolExecutor() as pool:
            stream, download = Events(server, "/ticks", alice), downloads(pool, server, alice)
            sign_out(server, alice)
            assert stream.rest().replace(EVENT, b"") == b""
            assert download.result(WAIT) == PIECE * DOWNLOAD_PIECES
        ended = 2
    assert int(get(server, "/closed", bob, {}).content) == before + ended
