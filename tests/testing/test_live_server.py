"""`signed_in` and `session_cookie` beside a server that runs in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast
from wsgiref.validate import validator

import flask
import pytest
import requests
import uvicorn
from asgiref.wsgi import WsgiToAsgi
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.serving import make_server
from werkzeug.test import Client

import oidc_gate
from oidc_gate.testing import session_cookie, settings_for_tests, signed_in
from tests.testing.test_signed_in import ahello, hello

SETTINGS = settings_for_tests()
to_asgi: Any = WsgiToAsgi


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_request_of_a_live_server_is_refused_in_the_request_and_in_the_test() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    client = Client(app)
    with served(app) as url:

        def test() -> None:
            with signed_in(app, email="alice@example.com"):
                assert requests.get(url, timeout=60).status_code == 500
                assert client.get("/").text == "alice@example.com|", "the test client is still signed in"

        with pytest.raises(RuntimeError, match=r"werkzeug serves this application.*session_cookie"):
            test()
        with pytest.raises(RuntimeError, match="session_cookie") as caught, signed_in(app):
            assert requests.get(url, timeout=60).status_code == 200
        assert isinstance(caught.value.__context__, AssertionError)
        assert requests.get(url, timeout=60).status_code == 401


def test_session_cookie_beside_it_signs_in_one_client() -> None:
    app = flask.Flask(__name__)
    app.wsgi_app = oidc_gate.OIDCGate(hello, SETTINGS)  # type: ignore[method-assign]
    with served(app) as url:
        cookie = {"Cookie": session_cookie(app, email="alice@example.com")}
        assert requests.get(url, headers=cookie, timeout=60).text == "alice@example.com|"
        assert requests.get(url, timeout=60).status_code == 401


def test_a_server_that_is_not_listed_is_known_by_its_name() -> None:
    app = oidc_gate.OIDCGate(hello, SETTINGS)
    with pytest.raises(RuntimeError, match="httpd/9 serves"), signed_in(app):
        Client(app).get("/", environ_overrides={"SERVER_SOFTWARE": "httpd/9"})


def test_test_clients_are_no_servers_in_threads_and_behind_middleware_of_servers() -> None:
    app, agate = oidc_gate.OIDCGate(hello, SETTINGS), oidc_gate.OIDCGate(ahello, SETTINGS)
    behind: Any = ProxyHeadersMiddleware(cast(Any, agate))
    with signed_in(app, email="a@example.com"), signed_in(agate, email="a@example.com"):
        with ThreadPoolExecutor(2) as pool:
            statuses = pool.map(lambda _: Client(app).get("/").status_code, range(4))
            assert list(statuses) == [200] * 4
            assert pool.submit(lambda: TestClient(behind).get("/").status_code).result() == 200
        assert TestClient(to_asgi(app)).get("/").status_code == 200
        assert Client(validator(app)).get("/", buffered=True).status_code == 200


def wrapped(app: Any) -> Any:
    """Return `app` behind a middleware with callables of its own."""

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        async def own_receive() -> Any:
            return await receive()

        async def own_send(message: Any) -> None:
            await send(message)

        await app(scope, own_receive, own_send)

    return middleware


@pytest.mark.parametrize(
    ("inner", "around", "name"),
    [(hello, to_asgi, "asgiref"), (ahello, wrapped, "uvicorn"), (ahello, lambda app: app, "uvicorn")],
)
def test_an_asgi_server_is_a_server_whatever_is_between(inner: Any, around: Any, name: str) -> None:
    app = oidc_gate.OIDCGate(inner, SETTINGS)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(around(app), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    try:
        with pytest.raises(RuntimeError, match=f"{name} serves"), signed_in(app):
            assert requests.get(url, timeout=60).status_code == 500
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
